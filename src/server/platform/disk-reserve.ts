/**
 * Reserves space on the disk of the data folder for data that the platform must not lose. While less than the reserve
 * is free, tenants can't write; below half of it, no calls start. The rest is for records of running calls, for
 * deletions and for the operator. Other programs on the machine can fill that as well: so a file holds some of it,
 * and Ward removes the file when hardly any space is free.
 */
import { randomFillSync } from 'node:crypto';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hostTroubleOf, type Log, messageOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';

export interface DiskStatus {
  /** Bytes that Ward can use, without the reserve's file. */
  readonly freeBytes: number;
  readonly reserveBytes: number;
  /** `short`: tenants can't write. `critical`: they can't call either. */
  readonly state: 'ample' | 'short' | 'critical';
}

export interface DiskReserve extends AsyncDisposable {
  /** Call it before writing this number of bytes for a tenant. @throws Fault DISK_RESERVED */
  admitWrite(bytes: number): void;
  /** Call it before a call or a firing. @throws Fault DISK_RESERVED */
  admitCall(): void;
  status(): DiskStatus;
}

interface DiskReserveOptions {
  /** Holds a part of the reserve; its folder determines the disk. */
  readonly file: string;
  /** Undefined: a share of the disk. */
  readonly reserveBytes?: number | undefined;
  readonly lookMs?: number;
  readonly log: Log;
}

const mebibyte = 1024 * 1024;
const usualReserve = 1024 * mebibyte;
/** The reserve on a small disk. */
const shareOfDisk = 0.05;
/** Largest size of the file that holds a part of the reserve. */
const mostHeld = 64 * mebibyte;

export async function openDiskReserve(options: DiskReserveOptions): Promise<DiskReserve> {
  const { file, log, lookMs = 1000 } = options;
  const dir = dirname(file);
  const first = await look(dir);
  const reserveBytes =
    options.reserveBytes ?? Math.min(usualReserve, Math.floor(first.totalBytes * shareOfDisk));
  const heldBytes = Math.min(mostHeld, Math.floor(reserveBytes / 4));
  let isHeld = (await sizeOf(file)) === heldBytes;
  let { freeBytes } = first;
  let state = stateOf(freeBytes, reserveBytes);
  const note = (): void => {
    const now = stateOf(freeBytes, reserveBytes);
    if (now === state) return;
    state = now;
    const about = { freeBytes, reserveBytes };
    if (now === 'ample') log.warn(about, 'the disk has enough free space again');
    else log.error({ ...about, state }, 'the disk is nearly full: writes of tenants are refused');
  };
  const keepHold = async (): Promise<void> => {
    if (isHeld && freeBytes < heldBytes / 4) {
      await rm(file, { force: true });
      isHeld = false;
      log.error({ heldBytes }, 'the disk is full: removed the file that held a part of the reserve');
    } else if (!isHeld && freeBytes > reserveBytes + heldBytes) {
      isHeld = await fill(file, heldBytes);
    }
  };
  const refresh = async (): Promise<void> => {
    try {
      ({ freeBytes } = await look(dir));
      note();
      await keepHold();
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'the free space of the disk could not be read');
    }
  };
  await refresh();
  let underWay: Promise<void> | undefined;
  const timer = setInterval(() => {
    underWay ??= refresh().finally(() => {
      underWay = undefined;
    });
  }, lookMs);
  timer.unref();
  return {
    admitWrite(bytes) {
      if (freeBytes - bytes < reserveBytes) throw reserved();
      // Counts them until the next look: a fast disk writes much in a second.
      freeBytes -= bytes;
    },
    admitCall() {
      if (state === 'critical') throw reserved();
    },
    status: () => ({ freeBytes, reserveBytes, state }),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await underWay;
    },
  };
}

/** The status for commands, with or without a running server. */
export async function diskStatus(dir: string, given: number | undefined): Promise<DiskStatus> {
  const { freeBytes, totalBytes } = await look(dir);
  const reserveBytes = given ?? Math.min(usualReserve, Math.floor(totalBytes * shareOfDisk));
  return { freeBytes, reserveBytes, state: stateOf(freeBytes, reserveBytes) };
}

function stateOf(freeBytes: number, reserveBytes: number): DiskStatus['state'] {
  if (freeBytes >= reserveBytes) return 'ample';
  return freeBytes >= reserveBytes / 2 ? 'short' : 'critical';
}

async function look(dir: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(dir);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Writes random bytes, which no file system compresses. False when the disk has too little space for them. */
async function fill(file: string, bytes: number): Promise<boolean> {
  const block = randomFillSync(Buffer.allocUnsafe(mebibyte));
  try {
    await using handle = await open(file, 'w', 0o600);
    for (let at = 0; at < bytes; at += block.length) {
      await handle.write(block, 0, Math.min(block.length, bytes - at), at);
    }
    return true;
  } catch (error) {
    await rm(file, { force: true });
    if (hostTroubleOf(error) === 'disk-full') return false;
    throw error;
  }
}

function reserved() {
  return serverFault('DISK_RESERVED', 'the disk has less free space than the platform reserves for itself', {
    hint: 'free disk space, or lower disk.reserveBytes in the configuration',
  });
}
