/**
 * A lock on a file that ends with the process, however it ends: the kernel drops it on `kill -9`, so a lock is never
 * stale. SQLite's exclusive mode is the POSIX record lock that Node itself lacks.
 *
 * A user who can read a file can take a shared lock on it, which blocks the exclusive one. So lock files are only for
 * their owner, and a lock file of an earlier Ward that others can open does not count while only readers hold it.
 */
import { chmodSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { errnoOf } from './fault.ts';
import { randomHex } from './ids.ts';

export interface FileLock extends Disposable {
  release(): void;
}

/** Takes the lock, or returns undefined when another process holds it. The folder must exist. */
export function tryFileLock(path: string): FileLock | undefined {
  const file = makeFile(path);
  const lock = lockExclusively(path);
  if (!file.isOpenToOthers) return lock;
  if (lock === undefined) return isHeldByReaders(path) ? replace(path, file.inode) : undefined;
  chmodSync(path, 0o600);
  return keepIfThere(lock, path, file.inode);
}

interface LockFile {
  readonly inode: number;
  readonly isOpenToOthers: boolean;
}

/** Never opens an existing file: closing it again would drop the locks of this process on it. */
function makeFile(path: string): LockFile {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  const { ino, mode } = statSync(path);
  return { inode: ino, isOpenToOthers: (mode & 0o077) !== 0 };
}

function lockExclusively(path: string): FileLock | undefined {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const db = new DatabaseSync(path);
  try {
    db.exec(
      'PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE',
    );
  } catch {
    db.close();
    return undefined;
  }
  const release = () => {
    if (db.isOpen) db.close();
  };
  return { release, [Symbol.dispose]: release };
}

/** Whether only readers hold the lock: a Ward's lock would keep them out. */
function isHeldByReaders(path: string): boolean {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA busy_timeout = 0; BEGIN; SELECT count(*) FROM sqlite_schema');
    return true;
  } catch {
    return false;
  } finally {
    db.close();
  }
}

/** Replaces the file `inode` by one that is locked already. */
function replace(path: string, inode: number): FileLock | undefined {
  const fresh = `${path}.${randomHex(8)}`;
  const own = makeFile(fresh).inode;
  const lock = lockExclusively(fresh);
  if (lock !== undefined && isHeldByReaders(path) && statSync(path).ino === inode) renameSync(fresh, path);
  return lock && keepIfThere(lock, path, own);
}

/** Another process can replace the file meanwhile: then it has the lock. */
function keepIfThere(lock: FileLock, path: string, inode: number): FileLock | undefined {
  if (statSync(path).ino === inode) return lock;
  lock.release();
  return undefined;
}
