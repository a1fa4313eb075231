/**
 * Limits the work for one archive with all its nested archives, and for all archives of a layer, folder or code. Any
 * archive may be a bomb: a zip of 42 KiB can hold petabytes.
 */
import { formatSize } from '../../lib/index.ts';
import { type MatchBudget, openBudget } from '../patterns/pattern-scan.ts';
import { longestWhole } from '../types.ts';

export interface ArchiveLimits {
  /** Depth of nested archives. */
  readonly maxDepth: number;
  /** Unpacked bytes of one archive with its nested archives. `maxBytesOfAll` counts all archives together. */
  readonly maxBytes: number;
  readonly maxBytesOfAll: number;
  /** The largest ratio of unpacked to packed bytes, once the unpacked bytes pass `growthFloor`. */
  readonly maxGrowth: number;
  readonly growthFloor: number;
  readonly maxEntries: number;
  readonly maxEntriesOfAll: number;
  /** Bytes of nested archives that are in memory together. */
  readonly maxHeldBytes: number;
  readonly longestWhole: number;
}

const mebibyte = 1024 * 1024;
export const archiveLimits: ArchiveLimits = {
  maxDepth: 4,
  maxBytes: 1024 * mebibyte,
  maxBytesOfAll: 8 * 1024 * mebibyte,
  maxGrowth: 200,
  growthFloor: 64 * mebibyte,
  maxEntries: 200_000,
  maxEntriesOfAll: 1_000_000,
  maxHeldBytes: 128 * mebibyte,
  longestWhole,
};

/** Ends the reading of the outermost archive. */
export class WorkExceeded extends Error {}

/** Counts for all archives of a layer, folder or code. */
export interface AllWork {
  bytes: number;
  entries: number;
}

export interface Work {
  readonly limits: ArchiveLimits;
  /** The budget for rules. All entries of an archive share it, since they have one author. */
  readonly budget: MatchBudget;
  /** @throws WorkExceeded */
  countEntry(): void;
  /** Counts bytes, if possible before they are unpacked. @throws WorkExceeded */
  countBytes(bytes: number): void;
  /** Throws when nested archives are too large together. */
  hold(bytes: number): Disposable;
}

export function openWork(sizeBytes: number, all: AllWork, limits: ArchiveLimits): Work {
  const mostBytes = Math.min(limits.maxBytes, Math.max(limits.growthFloor, sizeBytes * limits.maxGrowth));
  let bytes = 0;
  let entries = 0;
  let held = 0;
  return {
    limits,
    budget: openBudget(),
    countEntry: () => {
      all.entries++;
      if (++entries > limits.maxEntries)
        throw new WorkExceeded(`it has more than ${limits.maxEntries} entries, with the archives in it`);
      if (all.entries > limits.maxEntriesOfAll)
        throw new WorkExceeded(`the archives here have more than ${limits.maxEntriesOfAll} entries`);
    },
    countBytes: (more) => {
      bytes += more;
      all.bytes += more;
      if (bytes > mostBytes)
        throw new WorkExceeded(`it unpacks to more than ${formatSize(mostBytes)}, with the archives in it`);
      if (all.bytes > limits.maxBytesOfAll)
        throw new WorkExceeded(`the archives here unpack to more than ${formatSize(limits.maxBytesOfAll)}`);
    },
    hold: (more) => {
      if (held + more > limits.maxHeldBytes)
        throw new Error(`the archives around it hold more than ${formatSize(limits.maxHeldBytes)}, with it`);
      held += more;
      return {
        [Symbol.dispose]: () => {
          held -= more;
        },
      };
    },
  };
}
