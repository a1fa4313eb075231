/**
 * Refuses a data folder whose databases do not belong together. Each folder has a random id, in a file and in each
 * database. With a database from elsewhere, images could belong to the wrong tenants, and verdicts to code that was
 * never judged. You can move a whole folder: the id does not depend on the path.
 *
 * The file exists only while all databases have its id. So an interrupted start or restore leaves no file, and then
 * databases without an id are accepted.
 */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { writeFileAtomically } from '../../blobs/index.ts';
import { errnoOf, isFault, type Log, randomHex } from '../../lib/index.ts';
import { readFolderMark, writeFolderMark } from '../../store/index.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from './gate-paths.ts';
import { dataPaths } from './instance.ts';

interface FolderId {
  readonly id: string;
  /** Call it before a database is created. */
  unmark(): void;
  /** Marks all databases. Call it when they exist. */
  mark(): Promise<void>;
}

interface Part {
  readonly path: string;
  /** Undefined: no mark; null: unreadable, which the room that opens it will report. */
  readonly id: string | undefined | null;
}

/**
 * Call it before a database is opened, which may migrate it.
 * @param isMixAccepted takes over databases of other folders
 * @throws Fault DATA_DIR_MIXED
 */
export function checkFolderId(dataDir: string, isMixAccepted: boolean, log: Log): FolderId {
  const file = dataPaths(dataDir).folderId;
  const parts = databasesOf(dataDir).flatMap((path) => partAt(path) ?? []);
  const known = idIn(file);
  const own = known ?? parts.find(({ id }) => typeof id === 'string')?.id ?? undefined;
  const foreign = parts.filter(({ id }) => id !== null && id !== own && (id ?? known) !== undefined);
  if (foreign.length > 0) {
    const mixed = told(dataDir, parts);
    if (!isMixAccepted) throw mixedFault(dataDir, mixed);
    log.warn({ mixed }, 'continues with databases that do not belong together');
  }
  const id = own === undefined || foreign.length > 0 ? randomHex(16) : own;
  const isMarked = ({ id: marked }: Part) => marked === id;
  const isWhole = known === id && parts.length === databasesOf(dataDir).length && parts.every(isMarked);
  return {
    id,
    unmark() {
      if (!isWhole) forgetFolderId(dataDir);
    },
    async mark() {
      if (isWhole) return;
      for (const path of databasesOf(dataDir)) writeFolderMark(path, id);
      await writeFileAtomically(file, `${id}\n`);
    },
  };
}

/** Removes the id for a restore, which replaces all databases. */
export function forgetFolderId(dataDir: string): void {
  rmSync(dataPaths(dataDir).folderId, { force: true });
}

/** The databases of a data folder; the state is first. */
export function databasesOf(dataDir: string): readonly [state: string, gate: string, registry: string] {
  const { database, registry } = dataPaths(dataDir);
  return [database, gatePaths(dataDir).database, join(registry, 'registry.db')];
}

function partAt(path: string): Part | undefined {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined;
  try {
    return { path, id: readFolderMark(path) };
  } catch (error) {
    if (isFault(error)) return { path, id: null };
    throw error;
  }
}

function idIn(file: string): string | undefined {
  try {
    return /^[0-9a-f]{32}$/.exec(readFileSync(file, 'utf8').trim())?.[0];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function told(dataDir: string, parts: readonly Part[]): string {
  const groups = Map.groupBy(parts, ({ id }) => id);
  return [...groups]
    .map(([id, of]) => {
      const names = of.map(({ path }) => relative(dataDir, path)).join(' and ');
      return `${names}: ${id === null ? 'unreadable' : (id?.slice(0, 8) ?? 'no id')}`;
    })
    .join('; ');
}

function mixedFault(dataDir: string, mixed: string) {
  return serverFault(
    'DATA_DIR_MIXED',
    `the databases in the data folder ${dataDir} do not belong together (${mixed})`,
    {
      hint:
        'put back the one that was replaced, or restore a backup with ward restore, which has all of them; ' +
        'to continue with this mix: ward up --accept-mixed (namespaces, images and verdicts may come from different servers)',
    },
  );
}
