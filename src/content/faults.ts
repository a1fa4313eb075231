/** Faults of the registry's storage. */
import { faultTable } from '../lib/index.ts';

export const registryStoreFaults = {
  REPOSITORY_INVALID: 'invalid',
  REPOSITORY_UNKNOWN: 'missing',
  TAG_INVALID: 'invalid',
  BLOB_UNKNOWN: 'missing',
  /** A removal of the blob had no clear answer, so the store can still carry it out. */
  BLOB_BUSY: 'busy',
  /** The number of bytes differs from the announced one. */
  BLOB_SIZE_WRONG: 'invalid',
  UPLOAD_UNKNOWN: 'missing',
  /** A chunk does not begin where the last one ended. */
  UPLOAD_OUT_OF_ORDER: 'invalid',
  /** Another request has taken over the same upload. */
  UPLOAD_TAKEN_OVER: 'conflict',
  UPLOADS_EXHAUSTED: 'throttled',
  MANIFEST_INVALID: 'invalid',
  MANIFEST_UNKNOWN: 'missing',
  /** A manifest names a blob or a manifest that its repository does not have. */
  MANIFEST_PART_UNKNOWN: 'invalid',
  /** The content to be deleted is a part of other content. */
  CONTENT_IN_USE: 'conflict',
  STORAGE_EXHAUSTED: 'too-large',
} as const;

export const registryStoreFault = faultTable(registryStoreFaults);
