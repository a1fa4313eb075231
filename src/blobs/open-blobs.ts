/** Opens blobs that several nodes share. The client of the store is loaded only here. */
import type { Log } from '../lib/index.ts';
import type { BlobLocation } from './location.ts';
import type { SharedBlobs } from './types.ts';

/** Makes no request: errors of the store come with the first use. */
export async function openSharedBlobs(location: BlobLocation, log: Log): Promise<SharedBlobs> {
  const { openS3 } = await import('./s3/open.ts');
  return openS3(location, { log });
}
