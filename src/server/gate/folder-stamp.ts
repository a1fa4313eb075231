/** Tells whether the files of a folder have changed, without reading them. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../lib/index.ts';

/** A text that changes with the files directly in the folder; empty when the folder does not exist. */
export async function stampOfFolder(folder: string): Promise<string> {
  const names = (await orUndefined(readdir(folder))) ?? [];
  const stamps: string[] = [];
  for (const name of names.sort()) {
    const found = await orUndefined(stat(join(folder, name), { bigint: true }));
    if (found !== undefined) stamps.push(`${name} ${found.dev} ${found.ino} ${found.size} ${found.mtimeNs}`);
  }
  return stamps.join('\n');
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
