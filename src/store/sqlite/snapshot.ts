/**
 * A snapshot of a database file while other processes write: a read transaction that stays open. A caller that needs
 * several files as of (nearly) one moment opens them one after the other, and copies them later.
 */
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { backup, DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { openSqlite } from '../../lib/index.ts';
import { faultOf } from './sql-fault.ts';

export interface DatabaseSnapshot extends Disposable {
  all(sql: string): readonly Readonly<Record<string, SQLOutputValue>>[];
  /** `pragma user_version`: the schema version of some files. */
  readonly userVersion: number;
  /**
   * Writes it into a new file, 0600, without deleted rows, which freed pages still contain. Meanwhile it needs the
   * same space again beside that file.
   * @param onShare called with the finished share, from 0 to 1
   * @throws Fault STORE_CORRUPT, STORE_FULL, STORE_FAILED
   */
  copyTo(file: string, onShare?: (share: number) => void): Promise<void>;
}

const pagesPerStep = 2000;

/** Undefined when the file does not exist. @throws Fault STORE_CORRUPT, STORE_LOCKED, STORE_FAILED */
export function openSnapshot(path: string): DatabaseSnapshot | undefined {
  if (!existsSync(path)) return undefined;
  const db = asFaults(path, () => beginReading(path));
  return {
    all: (sql) => asFaults(path, () => db.prepare(sql).all()),
    userVersion: asFaults(path, () => Number(db.prepare('pragma user_version').get()?.['user_version'] ?? 0)),
    async copyTo(file, onShare = () => {}) {
      const raw = `${file}.raw`;
      try {
        for (const made of [raw, file]) closeSync(openSync(made, 'wx', 0o600));
        // It copies the open transaction and not later writes, so it never restarts.
        await backup(db, raw, {
          rate: pagesPerStep,
          progress: ({ totalPages, remainingPages }) => onShare(1 - remainingPages / (totalPages || 1)),
        });
        using copy = new DatabaseSync(raw, { defensive: true });
        copy.prepare('vacuum into ?').run(file);
      } catch (error) {
        throw faultOf(error, path);
      } finally {
        rmSync(raw, { force: true });
      }
    },
    [Symbol.dispose]: () => db.close(),
  };
}

/**
 * The newest migration in a copy of the state; undefined before the first. @throws Fault STORE_CORRUPT, STORE_FAILED
 */
export function schemaOfState(state: DatabaseSnapshot): string | undefined {
  const tables = state.all("select name from sqlite_schema where name = 'kysely_migration'");
  if (tables.length === 0) return undefined;
  const [newest] = state.all('select name from kysely_migration order by name desc limit 1');
  return newest === undefined ? undefined : String(newest['name']);
}

/** Whether this Ward can read a database with this migration. */
export async function knowsSchema(migration: string): Promise<boolean> {
  // Loaded here, because it loads the query builder.
  return Object.hasOwn((await import('../migrations/index.ts')).migrations, migration);
}

/** The newest migration of this Ward. */
export async function newestSchema(): Promise<string | undefined> {
  return Object.keys((await import('../migrations/index.ts')).migrations)
    .sort()
    .at(-1);
}

/**
 * Digests of the code of all actions in a copy of the state, without earlier code: that may be missing.
 * @throws Fault STORE_CORRUPT, STORE_FAILED
 */
export function codeNamedIn(state: DatabaseSnapshot): readonly string[] {
  return state
    .all('select distinct code_digest as digest from entities where code_digest is not null')
    .map(({ digest }) => String(digest));
}

function beginReading(path: string): DatabaseSync {
  // Must not create the file.
  const db = openSqlite(new URL(`${pathToFileURL(path)}?mode=rw`));
  try {
    // Only a read starts the transaction.
    db.exec('begin; select count(*) from sqlite_schema');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function asFaults<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw faultOf(error, path);
  }
}
