/** A cache of slow results, by the digest of their sources. It is outside of the checkout, so that it outlives it. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export const cacheDir = join(process.env['WARD_CACHE'] || '/var/cache/ward', 'lsm');

export const projectRoot = join(import.meta.dirname, '../..');

export interface Recipe {
  readonly name: string;
  /** Files and words that determine the result. */
  readonly files: readonly string[];
  readonly words: readonly string[];
  /** Fills an empty folder. */
  readonly make: (folder: string) => Promise<void>;
}

/** Returns the folder of the recipe, and removes other versions of it. */
export async function cached({ name, files, words, make }: Recipe): Promise<string> {
  const dir = join(cacheDir, `${name}-${keyOf(files, words)}`);
  if (existsSync(dir)) return dir;
  await mkdir(cacheDir, { recursive: true });
  for (const other of await readdir(cacheDir)) {
    if (other.startsWith(`${name}-`)) await rm(join(cacheDir, other), { recursive: true });
  }
  const folder = await mkdtemp(join(cacheDir, `${name}-making-`));
  await make(folder);
  await rename(folder, dir);
  return dir;
}

function keyOf(files: readonly string[], words: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  for (const word of words) hash.update(word).update('\0');
  return hash.digest('hex').slice(0, 16);
}
