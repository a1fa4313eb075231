/** One backup of a data folder at a time. Without what a backup needs, since the keeper is to stay small. */
import { existsSync, rmSync } from 'node:fs';
import { type FileLock, tryFileLock } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import type { DataPaths } from '../instance/instance.ts';

/** Releases what a killed backup still holds; does nothing while a backup is in progress. */
export function removeAbandonedBackup(paths: DataPaths): void {
  if (existsSync(paths.backupStage)) tryBackupLock(paths)?.release();
}

/** Takes the lock and removes leftovers of an earlier backup. */
function tryBackupLock(paths: DataPaths): FileLock | undefined {
  const lock = tryFileLock(paths.backupLock);
  if (lock !== undefined) rmSync(paths.backupStage, { recursive: true, force: true });
  return lock;
}

/** @throws Fault BACKUP_BUSY */
export function backupLock(paths: DataPaths): FileLock {
  const lock = tryBackupLock(paths);
  if (lock !== undefined) return lock;
  throw serverFault('BACKUP_BUSY', 'another backup of this data folder is in progress', {
    hint: 'wait for it to end',
  });
}
