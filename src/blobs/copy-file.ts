/**
 * Bytes of a file to somebody who takes them at his own pace: one buffer is filled while the other one is taken, and
 * no further one is made, however long the file is.
 */
import type { FileHandle } from 'node:fs/promises';
import { createBufferShares } from './buffer-shares.ts';
import { blobFault } from './faults.ts';
import type { ByteRange } from './types.ts';

const shares = createBufferShares(32 * 1024 * 1024);

/** As `BlobCopier.copy` has it. */
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
    // Its error is for the next turn.
    taken.catch(() => {});
    at += bytesRead;
  }
  await taken;
}
