/** A data folder and the name that its Ward goes by on this machine. One running Ward per folder. */
import { createHash } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileLock, tryFileLock } from '../lib/index.ts';
import { serverFault } from './faults.ts';

/** State of running sandboxes, of all Wards of the machine. */
export const runDir = '/run/ward';

export interface DataPaths {
  readonly database: string;
  readonly code: string;
  readonly laidCode: string;
  readonly roots: string;
  readonly guestKey: string;
  readonly lock: string;
}

export function dataPaths(dataDir: string): DataPaths {
  return {
    database: join(dataDir, 'state', 'ward.db'),
    code: join(dataDir, 'code'),
    laidCode: join(dataDir, 'laid'),
    roots: join(dataDir, 'roots'),
    guestKey: join(dataDir, 'guest.auth'),
    lock: join(dataDir, 'ward.lock'),
  };
}

/** Stable for a data folder, so that a later run recognises what an earlier one left in /run and in cgroups. */
export function instanceName(dataDir: string): string {
  return createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
}

/**
 * Makes the folder (searchable by all, since sandboxes see code below it; readable by its owner only) and
 * takes its lock. @throws Fault DATA_DIR_BUSY
 */
export async function claimDataDir(dataDir: string): Promise<FileLock> {
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o711);
  const lock = tryFileLock(dataPaths(dataDir).lock);
  if (lock) return lock;
  throw serverFault('DATA_DIR_BUSY', `another Ward is running with the data folder ${dataDir}`, {
    hint: 'stop it, or give this one a folder of its own with --data DIR',
  });
}
