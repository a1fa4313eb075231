/** A data folder and the name of its Ward on this machine. Each folder has one running Ward at most. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf, tryFileLock } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { tryUpLock, waitForInstanceLock, waitForUpLock } from './instance-locks.ts';

export interface DataPaths {
  readonly database: string;
  readonly code: string;
  /** Code of running functions; belongs to root. */
  readonly laidCode: string;
  /** Folder for incomplete files. */
  readonly workFiles: string;
  readonly guestKey: string;
  /** URL of its Ward now or when it last ran, for commands that need a server. */
  readonly address: string;
  /** Identifies the databases of this folder. */
  readonly folderId: string;
  /** Identifies the PostgreSQL database that the folder is used with. */
  readonly databaseId: string;
  /** The keys that encrypt parameters, unless they are elsewhere. */
  readonly parameterKeys: string;
  /** Identities of a cluster: its authority, and this node's own. */
  readonly cluster: string;
  /** The authority, on nodes that let others join. */
  readonly authority: string;
  /** Pushed images. */
  readonly registry: string;
  readonly lock: string;
  /** A file that an invoker has while it takes calls. */
  readonly ready: string;
  /** A file that reserves space for when the disk is full. */
  readonly reserve: string;
  /** Held while a backup is taken. */
  readonly backupLock: string;
  /** Files that a running backup holds. */
  readonly backupStage: string;
  /** Files that a running restore has written; no Ward starts while they exist. */
  readonly restoreStage: string;
  /** What `ward doctor` found, for the console. */
  readonly doctorReport: string;
  /** What `ward prove` found, for the console. */
  readonly proveReport: string;
}

interface ClaimedInstance extends Disposable {
  /** The data folder's path without links. */
  readonly dataDir: string;
  /** Name of its Ward in /run and in cgroups. */
  readonly instance: string;
}

export function dataPaths(dataDir: string): DataPaths {
  return {
    database: join(dataDir, 'state', 'ward.db'),
    code: join(dataDir, 'code'),
    laidCode: join(dataDir, 'laid'),
    workFiles: join(dataDir, 'work'),
    guestKey: join(dataDir, 'guest.auth'),
    address: join(dataDir, 'address'),
    folderId: join(dataDir, 'folder.id'),
    databaseId: join(dataDir, 'database.id'),
    parameterKeys: join(dataDir, 'parameters.keys'),
    cluster: join(dataDir, 'cluster'),
    authority: join(dataDir, 'cluster', 'authority.pem'),
    registry: join(dataDir, 'registry'),
    lock: join(dataDir, 'ward.lock'),
    ready: join(dataDir, 'ready'),
    reserve: join(dataDir, 'reserve'),
    backupLock: join(dataDir, 'backup.lock'),
    backupStage: join(dataDir, 'backup'),
    restoreStage: join(dataDir, 'restore'),
    doctorReport: join(dataDir, 'doctor.json'),
    proveReport: join(dataDir, 'prove.json'),
  };
}

/**
 * Creates the folder, which no other user can enter, and takes the lock of its instance.
 * @param leaverDrainMs how long calls of the Ward that holds it may take; it was told to stop. Undefined: none may hold it
 * @throws Fault DATA_DIR_INVALID, DATA_DIR_BUSY
 */
export async function claimInstance(given: string, leaverDrainMs?: number): Promise<ClaimedInstance> {
  const dataDir = await makeFolder(given);
  // Scan processes have the server's group, so that they can reach the blobs.
  await chmod(dataDir, 0o710);
  const instance = instanceName(dataDir);
  using stack = new DisposableStack();
  const lockUp = () =>
    leaverDrainMs === undefined ? tryUpLock(instance) : waitForUpLock(instance, leaverDrainMs);
  for (const lock of [lockUp, () => waitForInstanceLock(instance)]) {
    const taken = await lock();
    if (!taken) throw busy(dataDir);
    stack.use(taken);
  }
  const claimed = stack.move();
  return { dataDir, instance, [Symbol.dispose]: () => claimed.dispose() };
}

/** Takes the lock of a stopped Ward's data folder, for commands. @throws Fault DATA_DIR_BUSY */
export function lockDataDir(dataDir: string): Disposable {
  const lock = tryFileLock(dataPaths(dataDir).lock);
  if (!lock) throw busy(dataDir);
  return lock;
}

/** The same for every run on a data folder, so that a later run recognises leftovers in /run and in cgroups. */
export function instanceName(dataDir: string): string {
  return createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
}

/** Resolves links, so that each folder has only one name. */
async function makeFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true });
    return await realpath(path);
  } catch (cause) {
    const isFile = ['EEXIST', 'ENOTDIR'].includes(errnoOf(cause) ?? '');
    const why = isFile ? 'it, or one of its parents, is not a folder' : messageOf(cause);
    throw invalid(`${path} can't be the data folder: ${why}`, 'name a folder with --data DIR', cause);
  }
}

function invalid(message: string, hint: string, cause?: unknown) {
  return serverFault('DATA_DIR_INVALID', message, { hint, ...(cause === undefined ? {} : { cause }) });
}

function busy(dataDir: string) {
  return serverFault('DATA_DIR_BUSY', `another Ward is running with the data folder ${dataDir}`, {
    hint: 'stop it, or use another folder for this one with --data DIR',
  });
}
