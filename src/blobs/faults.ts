/** Faults of content-addressed bytes. */
import { faultTable } from '../lib/index.ts';
import type { Digest } from './types.ts';

export const blobFaults = {
  /** A text is not a digest. */
  DIGEST_INVALID: 'invalid',
  BLOB_NOT_FOUND: 'missing',
  /** The bytes under a digest do not have that digest. */
  BLOB_CORRUPT: 'host',
  /** The received bytes have another digest than announced. */
  BLOB_DIGEST_WRONG: 'invalid',
  /** The disk stored only a part of a write. */
  BLOB_WRITE_FAILED: 'host',
  /** A file to be read whole is not a regular file, or is too long. */
  FILE_INVALID: 'invalid',
  /** The setting `blobs:` is not the URL of a place in an S3-compatible store. */
  BLOBS_URL_INVALID: 'invalid',
  /** The place in the store belongs to another database, whose blobs Ward would remove. */
  BLOBS_OTHER_STORE: 'conflict',
  /** The store of the blobs does not answer, or has too much to do. */
  BLOB_STORE_UNREACHABLE: 'busy',
  /** The store of the blobs refuses Ward: no such bucket, wrong credentials, no right. */
  BLOB_STORE_REFUSED: 'host',
  /** The store of the blobs answered differently from S3. */
  BLOB_STORE_WRONG: 'host',
} as const;

export const blobFault = faultTable(blobFaults);

/** @param actual digest of the bytes, of the same kind as `expected` */
export function wrongDigest(actual: string, expected: string) {
  return blobFault('BLOB_DIGEST_WRONG', `the bytes have the digest ${actual}, not ${expected}`);
}

export function missingBlob(digest: Digest) {
  return blobFault('BLOB_NOT_FOUND', `the blob ${digest} does not exist`);
}
