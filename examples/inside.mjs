// Shows what a function sees of its sandbox. An ES module: ward action invoke inside --result
import { readdirSync } from 'node:fs';
import os from 'node:os';

export async function main({ url = 'https://example.com' }) {
  return {
    activation: process.env.__OW_ACTIVATION_ID,
    host: os.hostname(),
    user: process.getuid(),
    folder: process.cwd(),
    root: readdirSync('/'),
    [url]: await reach(url),
  };
}

async function reach(url) {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1000) });
    return 'reachable';
  } catch (error) {
    console.error(error);
    return 'out of reach';
  }
}
