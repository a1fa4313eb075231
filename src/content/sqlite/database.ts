/** The registry's tables in a SQLite file of their own, with a thread of its own. One process at a time writes to it. */
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { imageFault } from '../../images/index.ts';
import { KeyedLock } from '../../lib/index.ts';
import { type DatabaseThread, type SqlValue, startDatabaseThread } from '../../store/index.ts';
import { deleteMarkedSql, findMarkedSql, latestOver, markedRow, markSql, reviveSql } from '../blob-rows.ts';
import { type RegistryDatabase, type SqlWords, step } from '../database.ts';
import { registrySchema, statements } from './schema.ts';

interface SqliteRegistryOptions {
  readonly path: string;
  /** Cache of the database's pages in memory. */
  readonly cacheKiB?: number | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const words: SqlWords = { listed: (parameter) => `(select value from json_each(${parameter}))` };

/** @throws Fault IMAGE_STORE_INVALID, and Faults of the store room */
export async function openSqliteRegistry(options: SqliteRegistryOptions): Promise<RegistryDatabase> {
  const { path, cacheKiB, now } = options;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const thread = startDatabaseThread(path, cacheKiB);
  try {
    await bringUp(thread, path);
    await chmod(path, 0o600);
  } catch (error) {
    await thread.close().catch(() => {});
    throw error;
  }
  return databaseOn(thread, now);
}

function databaseOn(thread: DatabaseThread, now: () => number): RegistryDatabase {
  // One process has the file, so a lock of the process is enough. The order of a namespace is that of the whole file.
  const removals = new KeyedLock();
  const all = async <T>(schema: z.ZodType<T>, sql: string, ...values: readonly SqlValue[]): Promise<T[]> =>
    z.array(schema).parse((await thread.query(sql, values)).rows);
  const write: RegistryDatabase['write'] = async (_namespace, ...steps) => {
    const [outcome] = await thread.batch([steps]);
    if (typeof outcome === 'number') return outcome;
    throw outcome ?? new Error('the database gave no outcome');
  };
  return {
    words,
    now: async () => now(),
    all,
    first: async (schema, sql, ...values) => (await all(schema, sql, ...values))[0],
    write,
    reviveBlob: (digest, size, lateMs) =>
      removals.run(digest, async () => {
        const at = now();
        return (await write(undefined, step(reviveSql, digest, size, at, latestOver(at, lateMs)))) > 0;
      }),
    removeBlob: (digest, { before, lateMs }, removeBytes) =>
      removals.run(digest, async () => {
        const at = now();
        if ((await write(undefined, step(markSql, digest, before, at, latestOver(at, lateMs)))) === 0)
          return undefined;
        const [found] = await all(markedRow, findMarkedSql, digest, before, at);
        if (found === undefined) return undefined;
        await removeBytes();
        await write(undefined, step(deleteMarkedSql, digest, before, at));
        return found.size;
      }),
    close: () => thread.close(),
  };
}

const versionRow = z.object({ user_version: z.number() });

/** Every statement leaves existing tables alone, so an interrupted run can start again. */
async function bringUp(thread: DatabaseThread, path: string): Promise<void> {
  const { rows } = await thread.query('pragma user_version', []);
  const { user_version: version } = versionRow.parse(rows[0]);
  if (version === registrySchema) return;
  if (version > registrySchema) {
    throw imageFault('IMAGE_STORE_INVALID', `${path} was written by a newer Ward`, {
      hint: 'Run the newer Ward, or restore a backup from before the upgrade.',
    });
  }
  await addTimes(thread);
  for (const statement of statements) await thread.query(statement, []);
}

/** Tables of form 3 and before lack the first column, and those of form 6 and before the second. */
async function addTimes(thread: DatabaseThread): Promise<void> {
  const { rows } = await thread.query(`select name from pragma_table_info('blobs')`, []);
  const names = z
    .array(z.object({ name: z.string() }))
    .parse(rows)
    .map(({ name }) => name);
  if (names.length === 0) return;
  for (const name of ['doomed_at', 'removal_at'])
    if (!names.includes(name)) await thread.query(`alter table blobs add column ${name} integer`, []);
}
