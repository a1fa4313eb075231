/**
 * Gives blobs a second name, so that a backup can read them even after the server deletes them. A blob never changes,
 * so the processes need no coordination.
 */
import { constants, copyFileSync, linkSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../lib/index.ts';
import type { Member } from './members.ts';

export interface HeldBlobs {
  /** Holds newer blobs too. Cheap: it looks only at names. */
  hold(): void;
  has(digest: string): boolean;
  /** The held blobs, with their names in an archive. */
  members(): readonly Member[];
}

/** Errors for files that can't have a second name: another file system, or one without hard links. */
const unlinkable = new Set(['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP']);

/**
 * @param dir the folder of `blobs/sha256`, which may be missing
 * @param into a new folder
 * @param name of the folder in an archive
 */
export function holdBlobs(dir: string, into: string, name: string): HeldBlobs {
  const held = new Set<string>();
  const from = join(dir, 'blobs', 'sha256');
  mkdirSync(into, { recursive: true, mode: 0o700 });
  return {
    hold() {
      for (const hex of namesIn(from)) {
        if (held.has(hex) || !/^[0-9a-f]{64}$/.test(hex)) continue;
        if (holdFile(join(from, hex), join(into, hex))) held.add(hex);
      }
    },
    has: (digest) => held.has(digest.replace(/^sha256:/, '')),
    members: () =>
      [...held].sort().map((hex) => {
        const file = join(into, hex);
        return { name: `${name}/blobs/sha256/${hex}`, file, size: statSync(file).size };
      }),
  };
}

/** False when it no longer exists. */
export function holdFile(file: string, as: string): boolean {
  try {
    linkSync(file, as);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    if (!unlinkable.has(errnoOf(error) ?? '')) throw error;
  }
  return copyIfThere(file, as);
}

/** False when it does not exist. */
export function copyIfThere(file: string, as: string): boolean {
  try {
    copyFileSync(file, as, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Empty when the folder does not exist. */
export function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
