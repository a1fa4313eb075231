/**
 * How the memory that Ward's own processes may have is shared out: the keeper and the server, their heaps, caches and
 * what is under way. The one place for these figures. Sandboxes are not in it: their memory is `invoker.memoryMiB`.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { type OwnMemory, ownMemory, readMounts } from '../../sandbox/index.ts';

export interface MemoryPlan {
  /** Node's flags. */
  readonly keeperFlags: readonly string[];
  readonly serverFlags: readonly string[];
  /** Of each of the two databases, in KiB. */
  readonly databaseCacheKiB: number;
  /**
   * Past this much, calls and writes are refused until memory is given back; undefined where nothing limits Ward. `scanBytes`
   * more are a scan's alone: otherwise deploys would take the memory that their own scan needs, and wait for it.
   */
  readonly shortBytes: number | undefined;
  /** A process that scans ends after this time without work; undefined: the scanner's own. */
  readonly scanIdleMs: number | undefined;
}

const mebibyte = 1024 * 1024;
/** What is charged to an idle Ward beside copies of files, and one scan: measured, `test/memory.test.ts` holds it. */
export const neededMiB = 352;
/** The keeper and the server when they have just started. */
const baseMiB = 160;
/** From here on Ward is as fast as it can be. */
const ampleMiB = 1024;
/** Of a limit that sandboxes share: what `invoker.memoryMiB` leaves by default. */
const ownShare = 0.3;
/** Kept free for what is under way when calls begin to be refused. */
const reserveShare = 0.1;
const reserveMiB = 32;
/** What a scan takes; the reserve has what its code takes beyond that. */
export const scanBytes = 80 * mebibyte;
/** Deploys that follow each other share a process; what comes after them needs its memory. */
const tightScanIdleMs = 1000;

/** Pure. @param limit what Ward's own group allows; undefined: nothing limits it */
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

/** For glibc's `malloc`: threads share two heaps, and what is large goes back to the kernel when it is freed. */
export const allocatorEnv = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: String(mebibyte),
  MALLOC_TRIM_THRESHOLD_: String(mebibyte),
} as const;

/** The limit of this process's group, as far as it can be seen. */
export function ownLimit(): OwnMemory | undefined {
  return ownMemory(readMounts(), readFileSync('/proc/self/cgroup', 'utf8'));
}

export interface OwnMemoryStatus {
  readonly neededBytes: number;
  /** By the group, or the machine. */
  readonly allowedBytes: number;
  readonly isLimited: boolean;
  readonly isEnough: boolean;
}

export function ownMemoryStatus(limit: OwnMemory | undefined = ownLimit()): OwnMemoryStatus {
  const neededBytes = neededMiB * mebibyte;
  const allowedBytes = limit?.limitBytes ?? totalmem();
  return { neededBytes, allowedBytes, isLimited: limit !== undefined, isEnough: allowedBytes >= neededBytes };
}
