/** The closed table of what content-addressed bytes can go wrong with. */
import { faultTable } from '../lib/index.ts';

export const blobFaults = {
  /** A text that should be a digest is none. */
  DIGEST_INVALID: 'invalid',
  BLOB_NOT_FOUND: 'missing',
  /** The bytes under a digest do not have that digest. */
  BLOB_CORRUPT: 'host',
  /** What is read as a whole is not a regular file, or longer than may be read. */
  FILE_INVALID: 'invalid',
} as const;

export const blobFault = faultTable(blobFaults);
