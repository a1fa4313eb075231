/** Uploads in progress, as each kind of store keeps them; those without data for too long are dropped. */
import type { Content } from './content.ts';
import { registryStoreFault } from './faults.ts';
import type { Links } from './links.ts';
import type { RepositoryName } from './names.ts';
import type { LimitsOf, RegistryStoreLimits, Upload } from './types.ts';

export interface Uploads {
  /** @throws Fault UPLOADS_EXHAUSTED */
  start(repository: RepositoryName): Promise<Upload>;
  /** @throws Fault UPLOAD_UNKNOWN */
  find(repository: RepositoryName, id: string): Promise<Upload>;
  /** Drops uploads without data for too long. */
  expire(): Promise<void>;
  /** Ends all uploads of this process. */
  close(): Promise<void>;
}

export interface UploadOptions {
  readonly content: Content;
  readonly limits: RegistryStoreLimits;
  readonly limitsOf: LimitsOf;
  /** Bytes that the namespace holds already. */
  readonly usage: (namespace: string) => Promise<number>;
  /** Throws when the disk has too little free space. */
  readonly admitWrite: (bytes: number) => void;
  readonly record: Links['add'];
}

export function uploadUnknown() {
  return registryStoreFault(
    'UPLOAD_UNKNOWN',
    'this upload does not exist: it has ended, or got no data for too long',
  );
}

export function uploadsExhausted(namespace: string, most: number) {
  return registryStoreFault(
    'UPLOADS_EXHAUSTED',
    `${namespace} has ${most} uploads in progress, which is the limit`,
  );
}

export function takenOver() {
  return registryStoreFault('UPLOAD_TAKEN_OVER', 'another request has taken over this upload');
}

export function outOfOrder(at: number, size: number) {
  return registryStoreFault(
    'UPLOAD_OUT_OF_ORDER',
    `the chunk begins at ${at}, but ${size} bytes have arrived`,
  );
}

export function wrongSize(length: number) {
  return registryStoreFault(
    'BLOB_SIZE_WRONG',
    `the request has more or fewer than the ${length} bytes that it announces`,
  );
}
