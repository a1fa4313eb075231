/**
 * The folders of an archive during unpacking. Walks each path part by part with `lstat`, so that nothing is written
 * through a symbolic link of an earlier entry. A folder that was once found to be real stays real: the unpackers
 * never replace a folder, and no other process knows the place.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../lib/index.ts';
import { showName, unsafe } from './entry-name.ts';

export interface Folders {
  /** Creates the folder and its parents. @throws Fault ARCHIVE_UNSAFE when another entry is in the way */
  ensure(parts: readonly string[]): Promise<string>;
  /** Returns the folder only if it and all folders above it exist and are real. */
  find(parts: readonly string[]): Promise<string | undefined>;
}

export function foldersBelow(root: string): Folders {
  const known = new Set<string>([root]);
  const walk = async (parts: readonly string[], create: boolean): Promise<string | undefined> => {
    let path = root;
    for (const [depth, part] of parts.entries()) {
      path = join(path, part);
      if (known.has(path)) continue;
      const found = await kindOf(path);
      if (found === 'other')
        throw unsafe(
          `${showName(parts.slice(0, depth + 1).join('/'))} is not a folder, but another entry is inside it`,
        );
      if (found === 'nothing') {
        if (!create) return undefined;
        await mkdir(path, { mode: 0o755 });
      }
      known.add(path);
    }
    return path;
  };
  return {
    ensure: async (parts) => (await walk(parts, true)) ?? root,
    find: (parts) => walk(parts, false),
  };
}

async function kindOf(path: string): Promise<'folder' | 'other' | 'nothing'> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'nothing';
    throw error;
  }
}
