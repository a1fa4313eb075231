/**
 * Divides the memory of Ward's own processes: the keeper and the server, their heaps, caches and running requests.
 * All these figures are here. Sandboxes do not count: their memory is `invoker.memoryMiB`.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { type OwnMemory, ownMemory, readMounts } from '../../sandbox/index.ts';

export interface MemoryPlan {
  /** Node's flags. */
  readonly keeperFlags: readonly string[];
  readonly serverFlags: readonly string[];
  /** Cache of each of the two databases, in KiB. */
  readonly databaseCacheKiB: number;
  /**
   * Above this, Ward refuses calls and writes until memory is freed; undefined when nothing limits Ward. `scanBytes`
   * more are for scans alone: otherwise deploys would take the memory that their own scan needs, and wait for it.
   */
  readonly shortBytes: number | undefined;
  /** A scan process ends after this time without work; undefined: the scanner's default. */
  readonly scanIdleMs: number | undefined;
}

const mebibyte = 1024 * 1024;
/** Memory of an idle Ward without file caches, and of one scan: measured; `test/memory.test.ts` checks it. */
export const neededMiB = 352;
/** Memory of the keeper and the server right after their start. */
const baseMiB = 160;
/** With this limit Ward is as fast as it can be. */
const ampleMiB = 1024;
/** Share of a limit that sandboxes use too: what `invoker.memoryMiB` leaves by default. */
const ownShare = 0.3;
/** Kept free for running requests when Ward starts to refuse calls. */
const reserveShare = 0.1;
const reserveMiB = 32;
/** Memory of a scan; the reserve covers its code beyond that. */
export const scanBytes = 80 * mebibyte;
/** Deploys in quick succession share a process; later work needs its memory. */
const tightScanIdleMs = 1000;

/** Pure. @param limit memory limit of Ward's own group; undefined: no limit */
export function memoryPlan(limit: OwnMemory | undefined): MemoryPlan {
  if (limit === undefined) return ample;
  const own = limit.isShared ? Math.max(limit.limitBytes * ownShare, neededMiB * mebibyte) : limit.limitBytes;
  const ownMiB = Math.floor(own / mebibyte);
  const free = Math.max(0, ownMiB - baseMiB);
  const part = (share: number, least: number, most: number) =>
    Math.max(least, Math.min(most, Math.floor(free * share)));
  const isTight = ownMiB < ampleMiB;
  const saver = isTight ? ['--memory-saver-mode'] : [];
  return {
    keeperFlags: [...ample.keeperFlags, ...saver, `--max-old-space-size=${part(1 / 8, 64, 512)}`],
    serverFlags: [
      `--max-semi-space-size=${part(1 / 16, 2, 64)}`,
      ...saver,
      `--max-old-space-size=${part(1, 100, 4096)}`,
      ...returning,
    ],
    databaseCacheKiB: part(1 / 16, 2, 32) * 1024,
    shortBytes: limit.isShared
      ? undefined
      : Math.floor(own - Math.max(own * reserveShare, reserveMiB * mebibyte) - scanBytes),
    scanIdleMs: isTight ? tightScanIdleMs : undefined,
  };
}

/** The server collects when it has nothing to do: see `startMemoryWatch`. */
const returning = ['--expose-gc'];

const ample: MemoryPlan = {
  /** Starting a program takes longer the more memory the starting process has. */
  keeperFlags: ['--max-semi-space-size=1'],
  /** A request leaves a few KiB behind; a larger nursery lets most of it die without being copied. */
  serverFlags: ['--max-semi-space-size=64', ...returning],
  databaseCacheKiB: 32 * 1024,
  shortBytes: undefined,
  scanIdleMs: undefined,
};

/** Settings of glibc's `malloc`: threads share two heaps, and large blocks go back to the kernel when they are freed. */
export const allocatorEnv = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: String(mebibyte),
  MALLOC_TRIM_THRESHOLD_: String(mebibyte),
} as const;

/** The memory limit of this process's group, as far as this process can see it. */
export function ownLimit(): OwnMemory | undefined {
  return ownMemory(readMounts(), readFileSync('/proc/self/cgroup', 'utf8'));
}

export interface OwnMemoryStatus {
  readonly neededBytes: number;
  /** Limit of the group, or of the machine. */
  readonly allowedBytes: number;
  readonly isLimited: boolean;
  readonly isEnough: boolean;
}

export function ownMemoryStatus(limit: OwnMemory | undefined = ownLimit()): OwnMemoryStatus {
  const neededBytes = neededMiB * mebibyte;
  const allowedBytes = limit?.limitBytes ?? totalmem();
  return { neededBytes, allowedBytes, isLimited: limit !== undefined, isEnough: allowedBytes >= neededBytes };
}
