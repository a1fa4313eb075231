/** The closed table of what content-addressed bytes can go wrong with. */
import { faultTable } from '../lib/index.ts';

export const blobFaults = {
  /** A text that should be a digest is none. */
  DIGEST_INVALID: 'invalid',
  BLOB_NOT_FOUND: 'missing',
  /** The bytes under a digest do not have that digest. */
  BLOB_CORRUPT: 'host',
  /** The bytes that came have another digest than the one they were sent under. */
  BLOB_DIGEST_WRONG: 'invalid',
  /** The disk took a part of a write only. */
  BLOB_WRITE_FAILED: 'host',
  /** What is read as a whole is not a regular file, or longer than may be read. */
  FILE_INVALID: 'invalid',
} as const;

export const blobFault = faultTable(blobFaults);

/** @param actual what the bytes have; of the same kind as `expected` */
export function wrongDigest(actual: string, expected: string) {
  return blobFault('BLOB_DIGEST_WRONG', `the bytes have the digest ${actual}, not ${expected}`);
}
