/**
 * Blobs get a second name, so that they stay as long as a backup needs them, even when the server deletes them. A blob
 * never changes, so no process has to be told or to wait.
 */
import { constants, copyFileSync, linkSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../lib/index.ts';
import type { Member } from './members.ts';

export interface HeldBlobs {
  /** Holds those that came since. Cheap: only names are looked at. */
  hold(): void;
  has(digest: string): boolean;
  /** Under their names in an archive. */
  members(): readonly Member[];
}

/** Why a file can't have a second name there: another file system, or one that has no links. */
const unlinkable = new Set(['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP']);

/**
 * @param dir the folder that has `blobs/sha256`, which need not be there
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

/** False when it is not there (any more). */
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

/** False when it is not there. */
export function copyIfThere(file: string, as: string): boolean {
  try {
    copyFileSync(file, as, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** None when there is no such folder. */
export function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
