/** Commands that work on this machine call the server room; only they load it. */
import type { Input } from './input.ts';

interface LocalOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
}

/** Only the flags: the server room knows its environment and defaults. */
export function localOptions(input: Input): LocalOptions {
  const dataDir = input.text('data');
  const configFile = input.text('config');
  return {
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(configFile === undefined ? {} : { configFile }),
  };
}

export function openServer() {
  return import('../server/index.ts');
}
