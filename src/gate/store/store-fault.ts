/** Turns errors of the gate's file into faults, by SQLite's result code (sqlite.org/rescode.html), never by text. */
import type { Fault } from '../../lib/index.ts';
import { fileChanged, gateFault } from '../faults.ts';
import type { FileError } from './requests.ts';

/** SQLITE_FULL. */
const full = 13;
/** SQLITE_IOERR_SHMSIZE: a full disk, when SQLite's file of shared memory has to grow. */
const noRoomForSharedMemory = 4874;
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const damaged: readonly number[] = [11, 26];
/** SQLITE_READONLY, SQLITE_IOERR. */
const failing: readonly number[] = [8, 10];
/** Time after which a failing disk is worth another try. */
const retryAfterMs = 10_000;

export function faultOf(cause: FileError, path: string): Fault {
  const { code, message, isNewer, isLate } = cause;
  const result = code & 0xff;
  if (isNewer === true) {
    return gateFault('GATE_STORE_NEWER', `${path} was written by a newer Ward`, {
      hint: 'start the newer Ward, or give another data folder',
    });
  }
  if (isLate === true) return fileChanged(message);
  if (result === full || code === noRoomForSharedMemory)
    return gateFault('GATE_STORE_FULL', `no space is left for ${path}`, { cause });
  if (failing.includes(result)) {
    // Clients that push or deploy see this text, so it has no paths.
    const text = `the disk of the gate's database is read-only or fails: ${message}`;
    return gateFault('GATE_STORE_UNWRITABLE', text, { cause, retryAfterMs });
  }
  if (!damaged.includes(result)) return gateFault('GATE_STORE_FAILED', `${path}: ${message}`, { cause });
  return gateFault('GATE_STORE_CORRUPT', `${path} is damaged or not a database: ${message}`, {
    cause,
    hint: `stop Ward and restore the file from a backup, or move ${path}* away to start with an empty one`,
  });
}
