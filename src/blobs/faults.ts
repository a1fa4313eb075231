/** Faults of content-addressed bytes. */
import { faultTable } from '../lib/index.ts';

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
} as const;

export const blobFault = faultTable(blobFaults);

/** @param actual digest of the bytes, of the same kind as `expected` */
export function wrongDigest(actual: string, expected: string) {
  return blobFault('BLOB_DIGEST_WRONG', `the bytes have the digest ${actual}, not ${expected}`);
}
