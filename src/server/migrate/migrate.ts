/**
 * `ward migrate`: moves the databases of a Ward from its data folder to PostgreSQL, or back.
 *
 * While a server runs, each database is copied as of one moment, so that little is left to copy when it has stopped.
 * The last run, without a server, completes the move: the folder then belongs to the other database. The old databases
 * stay under another name.
 */
import { existsSync, renameSync } from 'node:fs';
import { registryTables } from '../../content/index.ts';
import { gateTables } from '../../gate/index.ts';
import { tryFileLock } from '../../lib/index.ts';
import { stateTables, type TableResult, transferTables } from '../../store/index.ts';
import { actAsOwner } from '../admin/act-as.ts';
import { loadConfig } from '../config/config.ts';
import { parseStoreSetting, type StoreSetting } from '../config/store-setting.ts';
import { serverFault } from '../faults.ts';
import { hasDatabaseMark, markDatabase, unfinishedHint, unmarkDatabase } from '../instance/database-mark.ts';
import { databasesOf, forgetFolderId } from '../instance/folder-id.ts';
import { dataPaths } from '../instance/instance.ts';
import { readStorePassword } from '../secrets/store-password.ts';
import { releaseBlobs } from './blobs.ts';
import { type DatabaseName, type Place, placeOf } from './places.ts';
import { checkPolicyFile, sharePolicyFile } from './policy-file.ts';
import { checkVexFolder, shareVexFolder } from './vex-folder.ts';

export interface MigrateOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  /** URL of a PostgreSQL database, or `folder`: the data folder. */
  readonly to: string;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

export interface MigrateResult {
  readonly from: string;
  readonly to: string;
  /** False: a server was running. Each database of the target is as of one moment, and Ward goes on with the source. */
  readonly isComplete: boolean;
  readonly tables: readonly MovedTable[];
}

interface MovedTable extends TableResult {
  readonly database: DatabaseName;
}

/** @throws Fault CONFIG_INVALID, DATA_DIR_EMPTY, DATA_DIR_BUSY, MIGRATE_REFUSED, STORE_TRANSFER_FAILED, and those of the stores */
export async function migrateStores(options: MigrateOptions): Promise<MigrateResult> {
  const config = await loadConfig(options);
  const { dataDir } = config;
  const target: StoreSetting = options.to === 'folder' ? { engine: 'sqlite' } : parseStoreSetting(options.to);
  const isBack = target.engine === 'sqlite';
  if (isBack && config.store.engine === 'sqlite') {
    throw serverFault('MIGRATE_REFUSED', 'the databases are in the data folder already', {
      hint: 'name the PostgreSQL database that they are in: WARD_STORE, or store: in the configuration',
    });
  }
  if (!isBack && hasDatabaseMark(dataDir)) throw belongsToDatabase(dataDir);
  const folder = placeOf(dataDir, { engine: 'sqlite' }, undefined);
  const database = isBack ? config.store : target;
  const server = placeOf(dataDir, database, readStorePassword(database));
  const [from, to] = isBack ? [server, folder] : [folder, server];
  using _acting = actAsOwner(dataDir);
  using lock = tryFileLock(dataPaths(dataDir).lock);
  if (isBack && lock === undefined) throw busy(dataDir);
  if (!isBack) {
    checkPolicyFile(dataDir);
    await checkVexFolder(dataDir);
  }
  await from.openUsed();
  await to.create();
  const wasServed = await server.isServed();
  if (!isBack && wasServed) throw served(to);
  await refuseOtherContent(from, to);
  const tables = await copyAll(from, to, options);
  // A server that worked at any moment of the copy may have written something that the copy lacks.
  const isComplete = isBack ? !wasServed && !(await from.isServed()) : lock !== undefined;
  if (isComplete) await releaseBlobs(config.blobs, await from.id());
  if (isComplete && isBack) takeBack(dataDir);
  else if (isComplete) {
    await leaveFolder(dataDir, await server.id());
    await sharePolicyFile(dataDir, server);
    await shareVexFolder(dataDir, server);
  }
  return { from: from.where, to: to.where, isComplete, tables };
}

async function copyAll(from: Place, to: Place, { signal, onStep }: MigrateOptions): Promise<MovedTable[]> {
  const moved: MovedTable[] = [];
  for (const [database, tables] of [
    ['state', stateTables],
    ['gate', gateTables],
    ['registry', registryTables],
  ] as const) {
    const [source, target] = [from.tables(database), to.tables(database)];
    if (source === undefined || target === undefined) continue;
    const results = await transferTables({
      ...{ from: source, to: target, tables, signal },
      onStep({ what, table, rows }) {
        if (rows % 1000 === 0) onStep(`${what === 'copy' ? 'copying' : 'verifying'} ${table}: ${rows} rows`);
      },
    });
    moved.push(...results.map((result) => ({ database, ...result })));
  }
  return moved;
}

/**
 * What a target has of other servers would be deleted. After an earlier run it has nothing that the source lacks, but
 * for a namespace that was deleted since.
 */
async function refuseOtherContent(from: Place, to: Place): Promise<void> {
  const known = new Set(await from.namespaces());
  const others = (await to.namespaces()).filter((key) => !known.has(key));
  if (others.length === 0) return;
  throw serverFault(
    'MIGRATE_REFUSED',
    `${to.where} has namespaces that ${from.where} lacks: ${others.slice(0, 5).join(', ')}`,
    {
      hint: 'Use an empty database. After an earlier run and the deletion of a namespace, delete that one in the target too.',
    },
  );
}

/**
 * The folder belongs to the PostgreSQL database from now on. Its old databases stay, under another name. The mark comes
 * last: databases beside a mark are an unfinished copy.
 */
async function leaveFolder(dataDir: string, id: string): Promise<void> {
  // The state comes last, so that a run that was interrupted here can be repeated.
  for (const path of databasesOf(dataDir).toReversed()) {
    for (const end of ['', '-wal', '-shm'])
      if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${path}.moved${end}`);
  }
  forgetFolderId(dataDir);
  await markDatabase(dataDir, id);
}

function takeBack(dataDir: string): void {
  forgetFolderId(dataDir);
  unmarkDatabase(dataDir);
}

function belongsToDatabase(dataDir: string) {
  return serverFault(
    'MIGRATE_REFUSED',
    `the data folder ${dataDir} belongs to a PostgreSQL database: databases in the folder are an unfinished copy`,
    { hint: unfinishedHint(dataDir) },
  );
}

function served({ where }: Place) {
  return serverFault('MIGRATE_REFUSED', `a Ward works on ${where}`, {
    hint: 'name an empty database; after a stop without an end of its lease, wait for half a minute',
  });
}

function busy(dataDir: string) {
  return serverFault('DATA_DIR_BUSY', `a Ward is running with the data folder ${dataDir}`, {
    hint: 'stop it, and every other server of the database, and try again',
  });
}
