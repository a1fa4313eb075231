/**
 * Appends bytes from the network to a file and hashes them, with constant memory: one batch is written while the next
 * one is read. Long files that are to last are flushed at intervals, so that the flush at the end is short.
 */
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { giveBack } from '../lib/index.ts';
import { createBufferShares } from './buffer-shares.ts';
import { blobFault } from './faults.ts';

export interface Growing {
  /** Hash of the bytes so far. */
  readonly hash: Hash;
  /** Bytes so far: in the file, and hashed. */
  size: number;
  /** Its end will flush the file. */
  readonly isLasting: boolean;
  /** A write failed: file and hash may differ. */
  isBroken: boolean;
}

const shares = createBufferShares(32 * 1024 * 1024);
const syncBytes = 32 * 1024 * 1024;

/** Implements `BlobWriter.append`. */
export async function appendStream(
  file: FileHandle,
  target: Growing,
  source: Readable,
  admit: (bytes: number) => void,
): Promise<void> {
  using share = shares.enter();
  let batch: Buffer[] = [];
  let bytes = 0;
  let written: Promise<void> = Promise.resolve();
  let synced: Promise<void> = Promise.resolve();
  let unsynced = 0;
  const flush = async () => {
    await written;
    if (bytes === 0) return;
    admit(bytes);
    written = write(file, target, batch, bytes);
    // The next `await` gets the error; until then it must not end the process as an unhandled rejection.
    written.catch(() => {});
    unsynced += bytes;
    batch = [];
    bytes = 0;
  };
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      batch.push(chunk);
      bytes += chunk.length;
      if (bytes < share.bytes) continue;
      await flush();
      if (!target.isLasting || unsynced < syncBytes) continue;
      unsynced = 0;
      await synced;
      synced = broken(target, file.datasync());
      synced.catch(() => {});
    }
  } finally {
    await flush();
    await written;
    await synced;
  }
}

async function write(file: FileHandle, target: Growing, batch: readonly Buffer[], bytes: number) {
  for (const chunk of batch) target.hash.update(chunk);
  const { bytesWritten } = await broken(target, file.writev([...batch], target.size));
  if (bytesWritten !== bytes) {
    target.isBroken = true;
    throw blobFault('BLOB_WRITE_FAILED', 'the disk stored only a part of a write');
  }
  for (const chunk of batch) giveBack(chunk);
  target.size += bytes;
}

/** An error of the disk leaves the target broken. */
async function broken<T>(target: Growing, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    target.isBroken = true;
    throw error;
  }
}
