/** The tables of one schema of a PostgreSQL database. */
import { z } from 'zod';
import { type Connection, openPool, type Pool } from '../postgres/pool.ts';
import { faultOf } from '../postgres/sql-state.ts';
import { transaction } from '../postgres/transaction.ts';
import { type Cell, othersOf, pageRows, quoted, type Row, type Table, type Tables } from './tables.ts';

interface Options {
  readonly url: string;
  /** `public` for the store's own. */
  readonly schema: string;
  /** Does not show what others write from now on; for a source. */
  readonly isFrozen: boolean;
}

interface TypedTable extends Table {
  readonly types: readonly string[];
  /** Takes numbers of its own accord. */
  readonly counter: string | undefined;
}

const columnRow = z.object({
  name: z.string(),
  type: z.string(),
  isCounter: z.boolean(),
  position: z.number().nullable(),
});

/** The tables exist, with the newest schema. @throws Fault those of the store */
export async function postgresTables({ url, schema, isFrozen }: Options): Promise<Tables> {
  const pool = openPool({ url });
  const frozen = isFrozen ? await freeze(pool) : undefined;
  const nameOf = ({ name }: Pick<Table, 'name'>) => `${quoted(schema)}.${quoted(name)}`;
  const typed = new Map<string, TypedTable>();
  const typesOf = (table: Table) =>
    table.columns.map((column) => {
      const known = typed.get(table.name);
      return known?.types[known.columns.indexOf(column)] ?? 'text';
    });
  return {
    where: pool.where,
    async table(name) {
      const found = await select(frozen ?? pool, columnRow, columnsQuery, [schema, name]);
      if (found.length === 0) return undefined;
      const columns = found.map((column) => column.name);
      const key = found
        .filter(({ position }) => position !== null)
        .sort((a, b) => Number(a.position) - Number(b.position))
        .map((column) => columns.indexOf(column.name));
      const counter = found.find(({ isCounter }) => isCounter)?.name;
      const table = { name, columns, key, types: found.map(({ type }) => type), counter };
      typed.set(name, table);
      return table;
    },
    // PostgreSQL can't store a NUL in text; the store replaces it in the same way.
    fit: (row) => row.map((cell) => (typeof cell === 'string' ? cell.replaceAll('\0', '\uFFFD') : cell)),
    async *rows(table) {
      for (let last: Row | undefined; ; ) {
        const page = await pageAfter(frozen ?? pool, table, nameOf(table), typesOf(table), last);
        yield* page;
        if (page.length < pageRows) return;
        last = page.at(-1);
      }
    },
    add: (table, rows) =>
      write(pool, async (connection) => {
        await connection.raw(insertOf(table, nameOf(table), typesOf(table)), valuesOf(table, rows));
        const counter = typed.get(table.name)?.counter;
        if (counter === undefined) return;
        const newest = `(select max(${quoted(counter)}) from ${nameOf(table)})`;
        await connection.raw(`select setval(pg_get_serial_sequence($1, $2), ${newest})`, [
          nameOf(table),
          counter,
        ]);
      }),
    change: (table, rows) =>
      write(pool, (connection) =>
        connection.raw(updateOf(table, nameOf(table), typesOf(table)), valuesOf(table, rows)),
      ),
    async remove(table, rows) {
      const types = typesOf(table);
      const key = table.key.map((column) => quoted(table.columns[column]));
      const lists = table.key.map((column, index) => `$${index + 1}::${types[column]}[]`).join(', ');
      const values = table.key.map((column) => rows.map((row) => row[column] ?? null));
      await write(pool, (connection) =>
        connection.raw(
          `delete from ${nameOf(table)} where (${key.join(', ')}) in (select * from unnest(${lists}))`,
          values,
        ),
      );
    },
    async [Symbol.asyncDispose]() {
      await frozen?.end();
      await pool.close();
    },
  };
}

const columnsQuery = `
  select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attidentity <> '' as "isCounter",
      array_position(i.indkey::int2[], a.attnum) as position
    from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
    order by a.attnum`;

/** A transaction that sees one moment. */
async function freeze(pool: Pool) {
  const connection = await pool.connect();
  try {
    await connection.raw('begin isolation level repeatable read read only');
    // The first statement fixes the moment. A target can be slow, so the transaction may wait.
    await connection.raw('set local idle_in_transaction_session_timeout = 0');
    await connection.raw('select 1');
  } catch (error) {
    connection.release(true);
    await pool.close();
    throw faultOf(error, pool.where);
  }
  const held = { raw: connection.raw, release: () => {} };
  return {
    where: pool.where,
    connect: async () => held,
    async end() {
      await connection.raw('rollback').catch(() => {});
      connection.release();
    },
  };
}

interface Reader extends Pick<Pool, 'where'> {
  connect(): Promise<Pick<Connection, 'raw' | 'release'>>;
}

async function pageAfter(
  pool: Reader,
  table: Table,
  name: string,
  types: readonly string[],
  last: Row | undefined,
): Promise<Row[]> {
  const key = table.key.map((column) => quoted(table.columns[column]));
  const marks = table.key.map((column, index) => `$${index + 1}::${types[column]}`);
  const after = last === undefined ? '' : `where (${key.join(', ')}) > (${marks.join(', ')})`;
  const values = last === undefined ? [] : table.key.map((column) => last[column] ?? null);
  const row = z.record(z.string(), z.union([z.string(), z.number(), z.null(), z.instanceof(Uint8Array)]));
  const rows = await select(
    pool,
    row,
    `select ${table.columns.map(quoted).join(', ')} from ${name} ${after} order by ${key.join(', ')} limit ${pageRows}`,
    values,
  );
  return rows.map((each) => table.columns.map((column): Cell => each[column] ?? null));
}

function insertOf({ columns }: Table, name: string, types: readonly string[]): string {
  return `insert into ${name} (${columns.map(quoted).join(', ')}) select * from ${given(types)}`;
}

/**
 * An insertion that becomes an update when it finds the row would be told to the triggers of insertions first: that of a
 * namespace takes the id of the key, which the row has already.
 */
function updateOf(table: Table, name: string, types: readonly string[]): string {
  const columns = table.columns.map(quoted);
  const sets = othersOf(table).map((column) => `${columns[column]} = given.${columns[column]}`);
  const same = table.key.map((column) => `kept.${columns[column]} = given.${columns[column]}`);
  return `update ${name} as kept set ${sets.join(', ')}
    from ${given(types)} as given (${columns.join(', ')}) where ${same.join(' and ')}`;
}

/** The rows of `valuesOf`. */
function given(types: readonly string[]): string {
  return `unnest(${types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')})`;
}

function valuesOf({ columns }: Table, rows: readonly Row[]): readonly Cell[][] {
  return columns.map((_, index) => rows.map((row) => row[index] ?? null));
}

async function select<T>(
  pool: Reader,
  row: z.ZodType<T>,
  sql: string,
  values: readonly unknown[],
): Promise<T[]> {
  const connection = await pool.connect();
  try {
    return z.array(row).parse((await connection.raw(sql, values)).rows);
  } catch (error) {
    throw faultOf(error, pool.where);
  } finally {
    connection.release();
  }
}

async function write(pool: Pool, work: (connection: Connection) => Promise<unknown>): Promise<void> {
  try {
    await transaction(pool, work);
  } catch (error) {
    throw faultOf(error, pool.where);
  }
}
