/**
 * Copies a file to a consumer at its own pace, with two buffers for any length: one is filled while the other is being
 * consumed.
 */
import type { FileHandle } from 'node:fs/promises';
import { createBufferShares } from './buffer-shares.ts';
import { blobFault } from './faults.ts';
import type { ByteRange } from './types.ts';

const shares = createBufferShares(32 * 1024 * 1024);

/** Implements `BlobCopier.copy`. */
export async function copyFile(
  file: FileHandle,
  range: ByteRange,
  take: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  using share = shares.enter();
  const { first, last } = range;
  const size = Math.min(share.bytes, last - first + 1);
  const buffers = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
  let taken: Promise<void> = Promise.resolve();
  let at = first;
  for (let turn = 0; at <= last; turn++) {
    const buffer = buffers[turn % 2] ?? Buffer.allocUnsafeSlow(size);
    const wanted = Math.min(buffer.length, last - at + 1);
    const [{ bytesRead }] = await Promise.all([file.read(buffer, 0, wanted, at), taken]);
    if (bytesRead === 0) throw blobFault('BLOB_CORRUPT', `a file ends ${last - at + 1} bytes too early`);
    taken = take(buffer.subarray(0, bytesRead));
    // The next turn handles its error.
    taken.catch(() => {});
    at += bytesRead;
  }
  await taken;
}
