/** What a transfer sees of a database, in either engine. */

export type Cell = string | number | null | Uint8Array;

/** In the order of the table's columns. */
export type Row = readonly Cell[];

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Positions of the primary key's columns, in their order. */
  readonly key: readonly number[];
}

/** The tables of one room in one database. */
export interface Tables extends AsyncDisposable {
  /** For messages: a file, or a server without password. */
  readonly where: string;
  /** Undefined when it does not exist. */
  table(name: string): Promise<Table | undefined>;
  /** The row as this engine stores it. */
  fit(row: Row): Row;
  /** All rows, in the order of the key: numbers by value, texts by their bytes. */
  rows(table: Table): AsyncGenerator<Row>;
  /** Adds rows that are not there, all of them or none. */
  add(table: Table, rows: readonly Row[]): Promise<void>;
  /** Gives rows that are there other cells than those of the key. */
  change(table: Table, rows: readonly Row[]): Promise<void>;
  remove(table: Table, rows: readonly Row[]): Promise<void>;
}

/** Rows of a table can be as long as the largest log, so only a few are in memory at a time. */
export const pageRows = 32;

/** Positions of the columns that are not of the key. */
export function othersOf({ columns, key }: Table): readonly number[] {
  return columns.map((_, index) => index).filter((index) => !key.includes(index));
}

/** @param name of a table or a column, from the database */
export function quoted(name: string | undefined): string {
  return `"${name}"`;
}

/** Negative when `a` comes first. */
export function compareKeys(a: Row, b: Row, { key }: Table): number {
  for (const column of key) {
    const order = compareCells(a[column] ?? null, b[column] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function compareCells(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(bytesOf(a), bytesOf(b));
}

/** One form for both engines, for comparisons and digests. */
export function bytesOfRow(row: Row): Buffer {
  return Buffer.concat(
    row.map((cell) => {
      const bytes = bytesOf(cell);
      const head = Buffer.alloc(5);
      head.writeUInt8(cell === null ? 0 : typeof cell === 'number' ? 1 : typeof cell === 'string' ? 2 : 3);
      head.writeUInt32BE(bytes.length, 1);
      return Buffer.concat([head, bytes]);
    }),
  );
}

function bytesOf(cell: Cell): Buffer {
  if (cell instanceof Uint8Array) return Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength);
  return Buffer.from(cell === null ? '' : String(cell));
}
