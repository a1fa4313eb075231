/**
 * Which Wards can use a database that a newer one has upgraded. Nodes of a cluster are replaced one after the other, so
 * a node of the version before must be able to start on tables to which migrations have only added.
 *
 * The table `min_reader` of a schema has one row: the oldest newest migration with which a Ward can still read and write
 * the schema. A migration that says `isExpandOnly` leaves the row as it is; each other one puts its own name there, in
 * its own transaction. A Ward that does not know the named migration refuses the database, and so does one that can't
 * read the row.
 */
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { isFault } from '../../lib/index.ts';
import type { Indexes } from './indexes.ts';

export interface WardMigration extends Migration {
  /**
   * A Ward without this migration can go on with the tables: it may ignore what the migration adds, and write rows
   * without it.
   */
  readonly isExpandOnly?: boolean;
  /** What `up` adds to tables that may be large. PostgreSQL builds it before, while others write. */
  readonly indexes?: Indexes;
}

/** Name → migration, in order. */
export type Migrations = Readonly<Record<string, WardMigration>>;

const tableName = 'min_reader';
/** End of the name of the migration that makes it. */
const madeBy = '-min-reader';

/** The same migrations, which also write down the oldest Ward that can use their tables. */
export function notingReaders(known: Migrations, schema: string | undefined): Migrations {
  const first = Object.keys(known).find((name) => name.endsWith(madeBy));
  const noting = Object.entries(known).map(([name, migration]): [string, WardMigration] => {
    if (first === undefined || name <= first || migration.isExpandOnly === true) return [name, migration];
    const up = async (db: Kysely<unknown>) => {
      await migration.up(db);
      await sql`update ${tableIn(schema)} set migration = ${name}`.execute(db);
    };
    return [name, { ...migration, up }];
  });
  return Object.fromEntries(noting);
}

/**
 * Whether a Ward with these migrations can use a database on which others have run, too.
 * @param ran names of all that have run
 */
export async function mayUse<Tables>(
  db: Kysely<Tables>,
  known: Migrations,
  ran: readonly string[],
  schema: string | undefined,
): Promise<boolean> {
  if (!Object.keys(known).every((name) => ran.includes(name))) return false;
  const rows = await readersIn(db, schema);
  const [least] = rows;
  return rows.length === 1 && typeof least === 'string' && Object.hasOwn(known, least);
}

async function readersIn<Tables>(
  db: Kysely<Tables>,
  schema: string | undefined,
): Promise<readonly unknown[]> {
  try {
    const { rows } = await sql<{ migration: unknown }>`select migration from ${tableIn(schema)}`.execute(db);
    return rows.map(({ migration }) => migration);
  } catch (error) {
    // There is no such table.
    if (isFault(error, 'STORE_FAILED')) return [];
    throw error;
  }
}

function tableIn(schema: string | undefined) {
  return schema === undefined ? sql.table(tableName) : sql.id(schema, tableName);
}
