/**
 * What may be spent on one archive and all that lies in it, and on all archives of a layer, folder or code. Each of them is
 * somebody's trap until it is read: a zip of 42 KiB can hold petabytes.
 */
import { formatSize } from '../../lib/index.ts';
import { type MatchBudget, openBudget } from '../patterns/pattern-scan.ts';
import { longestWhole } from '../types.ts';

export interface ArchiveLimits {
  /** Archives in each other. */
  readonly maxDepth: number;
  /** Unpacked, of one with all that lies in it; of many, all together. */
  readonly maxBytes: number;
  readonly maxBytesOfAll: number;
  /** More than so many times their size, past the floor, no archive is meant to hold. */
  readonly maxGrowth: number;
  readonly growthFloor: number;
  readonly maxEntries: number;
  readonly maxEntriesOfAll: number;
  /** In memory at once, of those that lie in each other. */
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

/** Nothing more of the outermost archive is read. */
export class WorkExceeded extends Error {}

/** Of all archives of a layer, folder or code. */
export interface AllWork {
  bytes: number;
  entries: number;
}

export interface Work {
  readonly limits: ArchiveLimits;
  /** Of what rules may cost: all entries of one archive are of one author. */
  readonly budget: MatchBudget;
  /** @throws WorkExceeded */
  countEntry(): void;
  /** Before they are there, where that can be known. @throws WorkExceeded */
  countBytes(bytes: number): void;
  /** Throws where the archives that lie in each other are too large together. */
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
