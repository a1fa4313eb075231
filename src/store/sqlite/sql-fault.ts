/** Converts SQLite's errors to the store's faults, by result code (sqlite.org/rescode.html), never by text. */
import { dirname } from 'node:path';
import { type Fault, messageOf } from '../../lib/index.ts';
import { storeFault } from '../faults.ts';
import { resultCodes, type SqlError } from './protocol.ts';

/** SQLITE_CONSTRAINT_FOREIGNKEY; _PRIMARYKEY, _UNIQUE, and _TRIGGER, since triggers forbid duplicates only. */
const foreignKey = 787;
/** SQLITE_IOERR_SHMSIZE: a full disk, when SQLite's file of shared memory has to grow. */
const noRoomForSharedMemory = 4874;
/** Time until a retry makes sense for a failed disk. */
const retryAfterMs = 10_000;
const duplicates: readonly number[] = [1555, 2067, 1811];

/** The fault for an error of the database thread: a reported one (`SqlError`), or one that ended the thread (any). */
export function faultOf(reason: unknown, path: string): Fault {
  const error = isSqlError(reason) ? reason : { code: codeOf(reason), message: messageOf(reason) };
  const options = { cause: reason };
  if (error.code === foreignKey) {
    return storeFault('STORE_NO_NAMESPACE', 'its namespace does not exist', options);
  }
  if (duplicates.includes(error.code)) {
    return storeFault('STORE_DUPLICATE', 'a row of that id exists already', options);
  }
  switch (error.code & 0xff) {
    case resultCodes.busy:
    case resultCodes.locked:
      return storeFault('STORE_LOCKED', `another process holds the lock of ${path}`, {
        ...options,
        hint: 'Wait for the other ward command on this data folder to end, then try again.',
      });
    case resultCodes.corrupt:
    case resultCodes.notADatabase:
      return storeFault('STORE_CORRUPT', `${path} is damaged or not a database: ${error.message}`, {
        ...options,
        hint: `Stop Ward and restore the file from a backup, or move ${path}* away to start with an empty store.`,
      });
    case resultCodes.full:
      return storeFault('STORE_FULL', `no space is left for ${path}`, {
        ...options,
        hint: `Free disk space below ${dirname(path)}.`,
      });
    case resultCodes.readOnly:
    case resultCodes.ioError:
      if (error.code === noRoomForSharedMemory) return faultOf({ ...error, code: resultCodes.full }, path);
      // Clients see this message, so it contains no paths.
      return storeFault(
        'STORE_UNWRITABLE',
        `the disk of the database is read-only or fails: ${error.message}`,
        {
          ...options,
          hint: 'Ask the operator to check the disk of the data folder, and the owner of its files.',
          retryAfterMs,
        },
      );
    default:
      return storeFault('STORE_FAILED', `the database ${path} failed: ${error.message}`, {
        ...options,
        hint: `Check the disk, and that ${dirname(path)} and its files belong to Ward's user; then restart Ward.`,
      });
  }
}

function isSqlError(reason: unknown): reason is SqlError {
  return typeof reason === 'object' && reason !== null && !(reason instanceof Error) && 'code' in reason;
}

function codeOf(reason: unknown): number {
  const isSqlite = reason instanceof Error && 'errcode' in reason && typeof reason.errcode === 'number';
  return isSqlite && typeof reason.errcode === 'number' ? reason.errcode : 0;
}
