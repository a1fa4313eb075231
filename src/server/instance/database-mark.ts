/**
 * Binds a data folder to its PostgreSQL database by a file with the database's id. With another database, Ward would
 * find no actions, and would delete their code from the folder.
 */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { writeFileAtomically } from '../../blobs/index.ts';
import type { Log } from '../../lib/index.ts';
import type { StoreSetting } from '../config/store-setting.ts';
import { serverFault } from '../faults.ts';
import { databasesOf } from './folder-id.ts';
import { dataPaths } from './instance.ts';

/** Call it before a database is opened, which may create it. @throws Fault DATA_DIR_OTHER_STORE */
export function refuseOtherEngine(dataDir: string, { engine }: StoreSetting): void {
  if (engine === 'sqlite') refuseMark(dataDir);
  else refuseOwnDatabase(dataDir);
}

/** Whether the folder was used with a PostgreSQL database. */
export function hasDatabaseMark(dataDir: string): boolean {
  return existsSync(dataPaths(dataDir).databaseId);
}

/**
 * @param id of the database
 * @param where it is, for messages
 * @param isMixAccepted binds the folder to this database instead
 * @throws Fault DATA_DIR_MIXED
 */
export function refuseOtherDatabase(
  dataDir: string,
  { id, where, isMixAccepted, log }: { id: string; where: string; isMixAccepted: boolean; log: Log },
): void {
  if (!hasDatabaseMark(dataDir) || readMark(dataDir) === id) return;
  if (isMixAccepted) {
    log.warn({ database: where }, 'continues with a database that the data folder was not used with');
    return;
  }
  throw serverFault(
    'DATA_DIR_MIXED',
    `the data folder ${dataDir} was used with another database than ${where}`,
    {
      hint:
        'correct the setting `store`, or name another folder with --data DIR; to continue with this database: ' +
        'ward up --accept-mixed (Ward later deletes code in the folder that the database does not name)',
    },
  );
}

export async function markDatabase(dataDir: string, id: string): Promise<void> {
  if (hasDatabaseMark(dataDir) && readMark(dataDir) === id) return;
  await writeFileAtomically(dataPaths(dataDir).databaseId, `${id}\n`);
}

/** The folder belongs to no PostgreSQL database any more. */
export function unmarkDatabase(dataDir: string): void {
  rmSync(dataPaths(dataDir).databaseId, { force: true });
}

/** What to do about databases beside a mark. */
export function unfinishedHint(dataDir: string): string {
  const files = databasesOf(dataDir).map((path) => relative(dataDir, path));
  return `to move the databases back, run ward migrate --to folder with \`store\` set; to continue with PostgreSQL, remove ${files.join(', ')} if they exist`;
}

function readMark(dataDir: string): string {
  return readFileSync(dataPaths(dataDir).databaseId, 'utf8').trim();
}

function refuseMark(dataDir: string): void {
  if (!hasDatabaseMark(dataDir)) return;
  throw serverFault(
    'DATA_DIR_OTHER_STORE',
    `the data folder ${dataDir} belongs to a PostgreSQL database, and the setting \`store\` is absent`,
    {
      hint:
        'name the configuration file with --config FILE, or the database with WARD_STORE; ' +
        'to start anew, name another folder with --data DIR',
    },
  );
}

function refuseOwnDatabase(dataDir: string): void {
  const own = databasesOf(dataDir).find((path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0);
  if (own === undefined) return;
  if (hasDatabaseMark(dataDir)) {
    throw serverFault(
      'DATA_DIR_OTHER_STORE',
      `the data folder ${dataDir} belongs to a PostgreSQL database and holds ${own}: an earlier ward migrate --to folder did not end`,
      { hint: unfinishedHint(dataDir) },
    );
  }
  throw serverFault(
    'DATA_DIR_OTHER_STORE',
    `the data folder ${dataDir} holds a database of its own (${own}), and the setting \`store\` names another one`,
    {
      hint:
        'to continue with the folder’s database, remove the setting `store`; to move it: ward migrate --to postgres://…; ' +
        'or name another folder with --data DIR',
    },
  );
}
