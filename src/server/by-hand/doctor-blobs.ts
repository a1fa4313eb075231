/** `ward doctor --blobs`: whether a store is fit for Ward's blobs. */
import { type BlobProbeReport, parseBlobLocation, probeBlobs } from '../../blobs/index.ts';

/** @throws Fault BLOBS_URL_INVALID */
export function probeBlobsAt(url: string): Promise<BlobProbeReport> {
  return probeBlobs(parseBlobLocation(url));
}
