/** Opens blobs that several nodes share. The client of the store is loaded only here. */
import type { Log } from '../lib/index.ts';
import type { BlobLocation } from './location.ts';
import type { BlobProbeReport, SharedBlobs } from './types.ts';

/** Makes no request: errors of the store come with the first use. */
export async function openSharedBlobs(location: BlobLocation, log: Log): Promise<SharedBlobs> {
  const { openS3 } = await import('./s3/open.ts');
  return openS3(location, { log });
}

/** Tries on the store what Ward needs of it, and leaves nothing there. */
export async function probeBlobs(location: BlobLocation): Promise<BlobProbeReport> {
  const { probeS3 } = await import('./s3/probes.ts');
  return probeS3(location);
}
