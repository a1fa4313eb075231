/** Unpacks the bytes of a layer in this process. */
import type { Readable } from 'node:stream';
import type { Digest } from '../../blobs/index.ts';
import { layerLimits } from '../layer/layer-limits.ts';
import { unpacked } from '../layer/unpacked.ts';
import { unpackTar } from './tar.ts';

/** Size of each read of the blob. */
export const layerReadBytes = 256 * 1024;

/** Both digests of the unpacked layer. */
export interface UnpackedDigests {
  /** The digest of the compressed bytes. */
  readonly digest: Digest;
  readonly diffId: Digest;
}

/**
 * @param source the compressed bytes; it is destroyed
 * @param root an empty folder that only the caller knows
 * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID; errors of `source` or the file system
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
