/**
 * The registry's tables in a PostgreSQL database, which several servers can have open, and which may also have the tables
 * of other rooms.
 *
 * Locks are taken in this order: the row of the namespace in `usage`, then the row of a blob, then others of the
 * namespace. As each transaction names its namespace first, those of one namespace run one after the other, as all do
 * in SQLite. So a condition of the first step still holds at the last one. A transaction holds the row of one blob at
 * most.
 */
import { z } from 'zod';
import {
  type OnNewer,
  openPostgresSchema,
  type PostgresConnection,
  type PostgresPool,
  postgresFault,
  postgresTransaction,
  type SqlValue,
} from '../../store/index.ts';
import { deleteMarkedSql, findMarkedSql, latestOver, markedRow, markSql, reviveSql } from '../blob-rows.ts';
import type { RegistryDatabase, SqlWords } from '../database.ts';
import { migrations, schema } from './migrations.ts';

interface PostgresRegistryOptions {
  /** `postgres://user:password@host:port/database`. The database exists, and the user owns it. */
  readonly url: string;
  /** Without it, a database that a newer Ward has upgraded is refused. */
  readonly onNewer?: OnNewer | undefined;
  readonly isReader?: boolean;
  /** Replaces the database's clock, for tests. Epoch milliseconds. */
  readonly now?: (() => number) | undefined;
}

const words: SqlWords = {
  listed: (parameter) => `(select value from jsonb_array_elements_text(cast(${parameter} as jsonb)))`,
};

/** @throws Fault STORE_UNREACHABLE, STORE_UNFIT, STORE_NEWER, STORE_UNWRITABLE, STORE_FULL, STORE_FAILED */
export async function openPostgresRegistry({
  now,
  ...options
}: PostgresRegistryOptions): Promise<RegistryDatabase> {
  return databaseOn(await openPostgresSchema({ ...options, schema, migrations }), now);
}

const clockRow = z.object({ at: z.int() });

function databaseOn(pool: PostgresPool, now: PostgresRegistryOptions['now']): RegistryDatabase {
  const asFaults = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw postgresFault(error, pool.where);
    }
  };
  const alone = (sql: string, values: readonly SqlValue[] = []) =>
    asFaults(async () => {
      const connection = await pool.connect();
      try {
        return await run(connection, sql, values);
      } finally {
        connection.release();
      }
    });
  const together = <T>(work: (connection: PostgresConnection) => Promise<T>) =>
    asFaults(() => postgresTransaction(pool, work));
  const all = async <T>(row: z.ZodType<T>, sql: string, ...values: readonly SqlValue[]): Promise<T[]> =>
    z.array(row).parse((await alone(sql, values)).rows);
  const clock = async () => {
    const sql = 'select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as at';
    return clockRow.parse((await alone(sql)).rows[0]).at;
  };
  const time = now === undefined ? clock : async () => now();
  return {
    words,
    now: time,
    all,
    first: async (row, sql, ...values) => (await all(row, sql, ...values))[0],
    write: (namespace, ...steps) =>
      together(async (connection) => {
        if (namespace !== undefined) await run(connection, lockSql, [namespace]);
        let changed = 0;
        for (const { statement, values } of steps) {
          if ((await run(connection, statement.sql, values)).rowCount === 0) break;
          changed++;
        }
        return changed;
      }),
    async reviveBlob(digest, size, lateMs) {
      const at = await time();
      return (await alone(reviveSql, [digest, size, at, latestOver(at, lateMs)])).rowCount !== 0;
    },
    async removeBlob(digest, { before, lateMs }, removeBytes) {
      const at = await time();
      // Before the transaction, which an error undoes.
      const marked = await alone(markSql, [digest, before, at, latestOver(at, lateMs)]);
      if (marked.rowCount === 0) return undefined;
      return together(async (connection) => {
        const { rows } = await run(connection, `${findMarkedSql} for update`, [digest, before, at]);
        const [found] = z.array(markedRow).parse(rows);
        if (found === undefined) return undefined;
        await removeBytes();
        await run(connection, deleteMarkedSql, [digest, before, at]);
        return found.size;
      });
    },
    close: () => pool.close(),
  };
}

/** Inserts the row if it is missing, since a row that does not exist can't be locked. */
const lockSql = `
  insert into usage as used (namespace, bytes) values (?1, 0)
    on conflict (namespace) do update set bytes = used.bytes`;

function run(connection: PostgresConnection, sql: string, values: readonly SqlValue[]) {
  return connection.raw(sql.replaceAll(/\?(\d+)/g, '$$$1'), values);
}
