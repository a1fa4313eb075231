/**
 * Opens the store in a PostgreSQL database: checks its settings, migrates it to this version, and creates the parts.
 */
import { Kysely, sql } from 'kysely';
import { randomHex } from '../../lib/index.ts';
import { storeFault } from '../faults.ts';
import { groupWriter } from '../group-writer.ts';
import { migrate } from '../migrations/index.ts';
import { storeParts } from '../parts.ts';
import type { Schema } from '../schema.ts';
import type { RecordingTrouble, Store } from '../types/store.ts';
import { batches } from './batch.ts';
import { postgresDialect, postgresWords } from './dialect.ts';
import { postgresMigrations } from './migrations/index.ts';
import { openPool } from './pool.ts';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`. The database exists, and the user owns it. */
  readonly url: string;
  /** Called when writes begin to fail, and when they succeed again. */
  readonly onRecording?: (trouble: RecordingTrouble | undefined) => void;
}

/** Takes a transaction number, which a server that takes no writes refuses, and changes no row. */
const probe = [{ statement: { sql: 'select pg_current_xact_id()', arity: 0 }, values: [] }];

/**
 * Several servers can have the database open at a time.
 * @throws Fault STORE_UNREACHABLE, STORE_UNFIT, STORE_NEWER, STORE_UNWRITABLE, STORE_FULL, STORE_FAILED
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const pool = openPool({ ...options, node: randomHex(8) });
  const db = new Kysely<Schema>({ dialect: postgresDialect(pool) });
  try {
    await requireFit(db);
    await migrate(db, postgresMigrations);
  } catch (error) {
    await pool.close();
    throw error;
  }
  const writer = groupWriter(batches(pool), { probe, onRecording: options.onRecording });
  let closing: Promise<void> | undefined;
  const close = () =>
    (closing ??= writer
      .flush()
      .catch(() => {})
      .then(() => pool.close()));
  return {
    ...storeParts(db, writer, postgresWords),
    foreignWrites: () => foreignWrites(db),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Lists are in the order of bytes, which needs the collation C. */
async function requireFit(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ collation: string; encoding: string; isOrdered: boolean }>`
    select datcollate as collation, pg_encoding_to_char(encoding) as encoding, 'B' < 'a' and 'a' < 'Ä' and '-a' < '10' as "isOrdered"
      from pg_database where datname = current_database()`.execute(db);
  const [found] = rows;
  if (found?.isOrdered === true && found.encoding === 'UTF8') return;
  throw storeFault(
    'STORE_UNFIT',
    `the database has the encoding ${found?.encoding} and the collation ${found?.collation}`,
    { hint: `Create another one: create database ward encoding 'UTF8' locale 'C' template template0` },
  );
}

/**
 * Each server counts its own writes in a row of its own, in the same transactions: the sum of the others' only grows.
 */
async function foreignWrites(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select coalesce(sum(writes), 0)::bigint as count from write_marks
      where node <> current_setting('ward.node')`.execute(db);
  return rows[0]?.count ?? 0;
}
