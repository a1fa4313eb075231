/** The version of this package. */
import { readFileSync } from 'node:fs';
import { isJsonObject } from './json.ts';

let known: string | undefined;

export function packageVersion(): string {
  known ??= read();
  return known;
}

function read(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return isJsonObject(manifest) && typeof manifest['version'] === 'string' ? manifest['version'] : '0.0.0';
}
