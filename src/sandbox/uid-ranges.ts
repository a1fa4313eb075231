/**
 * Ranges of 65536 host ids, unique on the whole machine: two sandboxes never share a uid, not even those of two Wards.
 * An instance claims a window of 1024 ranges with a file lock that ends with its process, and further windows when it
 * needs them. Windows start at 2^30, above the ids of distributions, directory services and container engines. Ward
 * skips windows that /etc/subuid or /etc/subgid assign.
 */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FileLock, tryFileLock } from '../lib/index.ts';
import { sandboxFault } from './faults.ts';
import { idRangeSize } from './runtime-config/namespaces.ts';

const slotsPerWindow = 1024;
const windowSize = slotsPerWindow * idRangeSize;
const firstWindowId = 2 ** 30;
/** The last ids below 2^32 stay free: the highest one means "no id" to the kernel. */
const windowCount = (2 ** 32 - firstWindowId) / windowSize - 1;

export interface IdRange {
  /** First host id; the range has 65536. */
  readonly firstId: number;
  /** Returns the range. Idempotent. */
  release(): void;
}

export interface IdRanges extends Disposable {
  /** @throws Fault UID_RANGES_EXHAUSTED */
  take(): IdRange;
}

interface ReservedIds {
  readonly first: number;
  readonly count: number;
}

/** @param lockDir Shared by every Ward of the machine: `/run/ward/uid-windows`. */
export function openIdRanges(lockDir: string, reserved = reservedIds()): IdRanges {
  mkdirSync(lockDir, { recursive: true });
  chmodSync(lockDir, 0o700);
  const locks = new Map<number, FileLock>();
  const free: number[] = [];

  function claimWindow(): void {
    for (let window = 0; window < windowCount; window++) {
      const firstId = firstWindowId + window * windowSize;
      if (locks.has(window) || overlaps(firstId, reserved)) continue;
      const lock = tryFileLock(join(lockDir, `${window}.lock`));
      if (lock === undefined) continue;
      locks.set(window, lock);
      for (let slot = slotsPerWindow - 1; slot >= 0; slot--) free.push(firstId + slot * idRangeSize);
      return;
    }
    throw sandboxFault('UID_RANGES_EXHAUSTED', 'no window of user ids is free on this machine', {
      hint: 'stop other Ward instances, or shorten /etc/subuid',
    });
  }

  return {
    take() {
      if (free.length === 0) claimWindow();
      const firstId = free.pop();
      if (firstId === undefined) throw sandboxFault('UID_RANGES_EXHAUSTED', 'no range of user ids is free');
      let isHeld = true;
      return {
        firstId,
        release() {
          if (isHeld) free.push(firstId);
          isHeld = false;
        },
      };
    },
    [Symbol.dispose]() {
      for (const lock of locks.values()) lock.release();
      locks.clear();
      free.length = 0;
    },
  };
}

/** Parses the ranges that subuid(5) and subgid(5) assign: `name:first:count` lines. */
export function parseSubIds(text: string): readonly ReservedIds[] {
  return text.split('\n').flatMap((line) => {
    const [, first, count] = line.split(':');
    return first === undefined || count === undefined ? [] : [{ first: Number(first), count: Number(count) }];
  });
}

function reservedIds(): readonly ReservedIds[] {
  return ['/etc/subuid', '/etc/subgid'].flatMap((file) => {
    try {
      return parseSubIds(readFileSync(file, 'utf8'));
    } catch {
      return [];
    }
  });
}

function overlaps(firstId: number, reserved: readonly ReservedIds[]): boolean {
  return reserved.some(({ first, count }) => first < firstId + windowSize && first + count > firstId);
}
