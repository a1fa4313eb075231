/** Faults of the store. */
import { type Fault, faultTable, isFault, type JsonObject } from '../lib/index.ts';

export const storeFaults = {
  /** The disk, the file or the database thread failed. */
  STORE_FAILED: 'host',
  /** The file is damaged, or not a database. */
  STORE_CORRUPT: 'host',
  /** A write would exceed the quota of its namespace. */
  STORE_QUOTA: 'too-large',
  /** The keys of a namespace change more than the audit log takes from it. */
  CHANGES_EXCEEDED: 'throttled',
  /** The disk is full. */
  STORE_FULL: 'full',
  /** The disk is read-only, or fails. */
  STORE_UNWRITABLE: 'busy',
  /** The disk takes no writes for now, and no more writes can wait in memory. */
  STORE_BACKLOG: 'busy',
  /** Another process has held the database's write lock for too long. */
  STORE_LOCKED: 'busy',
  /** Another server has taken over the work, because this one was late in renewing its lease. */
  STORE_LEASE_LOST: 'busy',
  /** The database server does not answer. */
  STORE_UNREACHABLE: 'busy',
  /** The database server may have written something: the connection ended before its answer. */
  STORE_ANSWER_LOST: 'busy',
  /** The database server refuses Ward: the password, the database, a right or the number of connections. */
  STORE_REFUSED: 'busy',
  /** The database has settings that Ward can't work with. */
  STORE_UNFIT: 'unsupported',
  /** The database was written by a newer Ward. */
  STORE_NEWER: 'unsupported',
  /** The tables of two databases can't be made equal. */
  STORE_TRANSFER_FAILED: 'conflict',
  /** The database's folder lets others replace its files. */
  STORE_INSECURE: 'denied',
  /** A row of that id exists already. */
  STORE_DUPLICATE: 'conflict',
  /** The namespace that a row belongs to does not exist, or no longer exists. */
  STORE_NO_NAMESPACE: 'missing',
  /** Used after `close`: at the very end of a stop. */
  STORE_CLOSED: 'busy',
} as const;

export const storeFault = faultTable(storeFaults);

/** By then a restarted Ward serves again. */
const backMs = 5000;

export function storeClosed(): Fault {
  return storeFault('STORE_CLOSED', 'Ward is being stopped, and has closed its database', {
    hint: 'try again when it runs',
    retryAfterMs: backMs,
  });
}

/** @param details tell what was written or not */
export function answerLost({ message, retryAfterMs }: Fault, details: JsonObject): Fault {
  return storeFault('STORE_ANSWER_LOST', message, {
    details,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Writes that failed with one of these codes can succeed later, unchanged. */
const passing: readonly string[] = [
  'STORE_FULL',
  'STORE_UNWRITABLE',
  'STORE_LOCKED',
  'STORE_UNREACHABLE',
  'STORE_ANSWER_LOST',
  'STORE_REFUSED',
  'STORE_CORRUPT',
] satisfies (keyof typeof storeFaults)[];

export function mayPass(error: unknown): error is Fault {
  return isFault(error) && passing.includes(error.code);
}
