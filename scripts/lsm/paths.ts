/** Where the test of LSM hosts keeps what takes long to make. Outside of the checkout: it outlives it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const cacheDir = join(process.env['WARD_CACHE'] || '/var/cache/ward', 'lsm');

export const projectRoot = join(import.meta.dirname, '../..');

/** A short digest of files and words: what is made of them carries it in its name. */
export function keyOf(files: readonly string[], words: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  for (const word of words) hash.update(word).update('\0');
  return hash.digest('hex').slice(0, 16);
}
