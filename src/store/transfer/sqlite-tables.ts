/** The tables of an SQLite file, which another process may have open. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { z } from 'zod';
import { openSqlite } from '../../lib/index.ts';
import { faultOf } from '../sqlite/sql-fault.ts';
import { type Cell, othersOf, pageRows, quoted, type Row, type Table, type Tables } from './tables.ts';

const columnRow = z.object({ name: z.string(), pk: z.number() });

/**
 * @param path of a file with the newest schema
 * @param isFrozen does not show what others write from now on; for a source
 * @throws Fault STORE_FAILED, STORE_CORRUPT, STORE_LOCKED
 */
export function sqliteTables(path: string, isFrozen: boolean): Tables {
  const db = asFaults(path, () => openSqlite(path));
  asFaults(path, () => {
    db.exec('pragma foreign_keys = on; pragma synchronous = full');
    // The first read fixes what the transaction sees.
    if (isFrozen) db.exec('begin; select 1 from sqlite_schema');
  });
  return {
    where: path,
    table: async (name) => asFaults(path, () => tableOf(db, name)),
    fit: (row) => row,
    async *rows(table) {
      for (let last: Row | undefined; ; ) {
        const page = asFaults(path, () => pageAfter(db, table, last));
        yield* page;
        if (page.length < pageRows) return;
        last = page.at(-1);
      }
    },
    add: async (table, rows) => asFaults(path, () => writeEach(db, insertOf(table), rows)),
    async change(table, rows) {
      const others = othersOf(table);
      const sets = others.map((column) => `${quoted(table.columns[column])} = ?`).join(', ');
      const sql = `update ${quoted(table.name)} set ${sets} ${whereKey(table)}`;
      asFaults(path, () => writeEach(db, sql, cellsOf(rows, [...others, ...table.key])));
    },
    async remove(table, rows) {
      const sql = `delete from ${quoted(table.name)} ${whereKey(table)}`;
      asFaults(path, () => writeEach(db, sql, cellsOf(rows, table.key)));
    },
    [Symbol.asyncDispose]: async () => db.close(),
  };
}

function tableOf(db: DatabaseSync, name: string): Table | undefined {
  const found = z.array(columnRow).parse(db.prepare('select name, pk from pragma_table_info(?)').all(name));
  if (found.length === 0) return undefined;
  const columns = found.map((column) => column.name);
  const key = found
    .filter(({ pk }) => pk > 0)
    .sort((a, b) => a.pk - b.pk)
    .map((column) => columns.indexOf(column.name));
  return { name, columns, key };
}

function pageAfter(db: DatabaseSync, table: Table, last: Row | undefined): Row[] {
  const key = table.key.map((column) => quoted(table.columns[column]));
  const columns = table.columns.map(quoted).join(', ');
  const after = last === undefined ? '' : `where (${key.join(', ')}) > (${key.map(() => '?').join(', ')})`;
  const values = last === undefined ? [] : table.key.map((column) => last[column] ?? null);
  const rows = db
    .prepare(
      `select ${columns} from ${quoted(table.name)} ${after} order by ${key.join(', ')} limit ${pageRows}`,
    )
    .all(...values);
  return rows.map((row) =>
    table.columns.map((column): Cell => {
      const cell = row[column] ?? null;
      return typeof cell === 'bigint' ? Number(cell) : cell;
    }),
  );
}

function insertOf(table: Table): string {
  const names = table.columns.map(quoted);
  return `insert into ${quoted(table.name)} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`;
}

function whereKey({ columns, key }: Table): string {
  return `where ${key.map((column) => `${quoted(columns[column])} = ?`).join(' and ')}`;
}

function cellsOf(rows: readonly Row[], columns: readonly number[]): readonly Row[] {
  return rows.map((row) => columns.map((column) => row[column] ?? null));
}

function writeEach(db: DatabaseSync, sql: string, rows: readonly Row[]): void {
  const statement = db.prepare(sql);
  db.exec('begin immediate');
  try {
    for (const row of rows) statement.run(...(row as SQLInputValue[]));
    db.exec('commit');
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
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
