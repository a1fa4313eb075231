/**
 * A lock on a file that ends with the process, however it ends: the kernel drops it on `kill -9`, so there
 * is no stale lock to guess about. SQLite's exclusive mode is the POSIX record lock that Node itself lacks.
 */
export interface FileLock extends Disposable {
  release(): void;
}

/** Takes the lock, or returns undefined when another process holds it. The folder must exist. */
export function tryFileLock(path: string): FileLock | undefined {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch {
    db.close();
    return undefined;
  }
  const release = () => {
    if (db.isOpen) db.close();
  };
  return { release, [Symbol.dispose]: release };
}
