/** Unpacks the bytes of a layer in this process. */
import type { Readable } from 'node:stream';
import type { Digest } from '../../blobs/index.ts';
import { layerLimits } from '../layer/layer-limits.ts';
import { unpacked } from '../layer/unpacked.ts';
import { unpackTar } from './tar.ts';

/** How much of the blob is read at once. */
export const layerReadBytes = 256 * 1024;

/** Both digests of what was unpacked. */
export interface UnpackedDigests {
  /** The digest of the compressed bytes. */
  readonly digest: Digest;
  readonly diffId: Digest;
}

/**
 * @param source The compressed bytes; it is destroyed.
 * @param root An empty folder that only the caller knows.
 * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID; what `source` or the file system fails with
 */
export async function unpackHere(source: Readable, root: string): Promise<UnpackedDigests> {
  const { bytes, digests } = unpacked(source);
  try {
    await unpackTar(bytes, root, layerLimits);
  } finally {
    source.destroy();
  }
  return digests();
}
