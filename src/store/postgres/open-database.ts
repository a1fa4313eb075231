/** Opens a PostgreSQL database: checks its settings, and migrates the tables of one room. */
import { Kysely, sql } from 'kysely';
import { storeFault } from '../faults.ts';
import { isUpToDate, type OnNewer } from '../migrations/index.ts';
import type { Migrations, WardMigration } from '../migrations/min-reader.ts';
import { postgresDialect } from './dialect.ts';
import { openPool, type Pool } from './pool.ts';
import { upgrade } from './upgrade.ts';

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`. The database exists, and the user owns it. */
  readonly url: string;
  /** Writes nothing, also no tables: a database that another version of Ward has written is refused. */
  readonly isReader?: boolean;
  /** Without it, a database that a newer Ward has upgraded is refused, although this one could use it. */
  readonly onNewer?: OnNewer | undefined;
}

export interface OpenDatabase<Tables> {
  readonly pool: Pool;
  readonly db: Kysely<Tables>;
}

/** @throws Fault STORE_UNREACHABLE, STORE_REFUSED, STORE_UNFIT, STORE_NEWER, STORE_UNWRITABLE, STORE_FULL, STORE_FAILED */
export async function openDatabase<Tables>(
  { url, isReader = false, onNewer }: DatabaseOptions,
  migrations: Migrations,
  schema?: string,
): Promise<OpenDatabase<Tables>> {
  const pool = openPool({ url, schema, isReader });
  const db = new Kysely<Tables>({ dialect: postgresDialect(pool) });
  try {
    await requireFit(db);
    if (isReader) await requireNewest(db, migrations, { schema, onNewer });
    else {
      await requireWritable(db, pool.where);
      if (!(await isUpToDate(db, migrations, { schema, onNewer })))
        await upgrade({ url, schema, onNewer }, migrations);
    }
    return { pool, db };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

export interface SchemaOptions extends DatabaseOptions {
  /** The room's own. Statements find its tables without naming it. */
  readonly schema: string;
  readonly migrations: SchemaMigrations;
}

/** Name → migration, in order. A released one is never edited. */
export type SchemaMigrations = Readonly<Record<string, SchemaMigration>>;

interface SchemaMigration extends Pick<WardMigration, 'isExpandOnly'> {
  readonly statements: string;
}

/** For rooms with tables of their own beside those of the store. @throws Fault those of `openDatabase` */
export async function openSchema({ schema, migrations, ...options }: SchemaOptions): Promise<Pool> {
  const steps = Object.entries(migrations).map(([name, { statements, ...rest }]) => {
    const up = async (db: Kysely<unknown>) => void (await sql.raw(statements).execute(db));
    return [name, { ...rest, up }] as const;
  });
  const { pool } = await openDatabase(options, Object.fromEntries(steps), schema);
  return pool;
}

/** Lists are in the order of bytes, which needs the collation C. */
async function requireFit<Tables>(db: Kysely<Tables>): Promise<void> {
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

async function requireNewest<Tables>(
  db: Kysely<Tables>,
  migrations: Migrations,
  options: { readonly schema: string | undefined; readonly onNewer: OnNewer | undefined },
): Promise<void> {
  if (await isUpToDate(db, migrations, options)) return;
  throw storeFault('STORE_UNFIT', 'the database has the tables of another version of Ward', {
    hint: 'Start the newest version of Ward once.',
  });
}

/** A standby answers reads, and would only refuse the first write. */
async function requireWritable<Tables>(db: Kysely<Tables>, where: string): Promise<void> {
  const { rows } = await sql<{ isReadOnly: boolean }>`
    select current_setting('transaction_read_only')::boolean as "isReadOnly"`.execute(db);
  if (rows[0]?.isReadOnly !== true) return;
  throw storeFault(
    'STORE_UNWRITABLE',
    `the database ${where} takes no writes: it is read-only or a standby`,
    {
      hint: 'Point the setting `store` at the primary server of PostgreSQL.',
    },
  );
}
