/**
 * Many small writes in one transaction, as data: the group writer's request to a database engine.
 *
 * A unit is a list of steps, all or nothing. A step that changes no row ends its unit: the earlier steps stay, and
 * the rest is skipped. (That is how a fenced write is ignored.) A unit that fails leaves nothing behind and does not
 * affect the others of its batch.
 */
import type { Fault } from '../lib/index.ts';

export type SqlValue = string | number | null | LongText;

/**
 * A long text as UTF-8, in pieces that the engine joins, so that it is never copied. The engine binds it as bytes,
 * and the statement must cast them to text.
 */
export interface LongText {
  /** The engine takes them over, including all memory that each is a part of. */
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
}

/** Makes a piece of a long text, in memory of its own and not in Node's pool of small buffers. */
export function pieceOf(parts: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const piece = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    piece.set(part, at);
    at += part.length;
  }
  return piece;
}

export function isLongText(value: unknown): value is LongText {
  return typeof value === 'object' && value !== null && 'pieces' in value;
}

/** A compiled statement. `arity`: its number of parameters. */
export interface Statement {
  /** Empty: it changes nothing by itself, and only its tallies count. */
  readonly sql: string;
  readonly arity: number;
  /** For a simple statement: what it does, so that an engine can do it for many rows at once. */
  readonly form?: StatementForm;
  readonly tally?: Tally;
  readonly timeTally?: TimeTally;
  /** Parameters whose length in bytes counts, from 0. */
  readonly measured?: readonly number[];
  /** The parameter with the namespace whose holdings it changes, from 0. See `lockHeldBytes`. */
  readonly holds?: number;
}

/**
 * Its parameters are values of these columns, in this order. An insertion writes them. A deletion deletes the row with
 * these values, and an update changes it. The first identifies the row.
 */
export interface StatementForm {
  readonly kind: 'insert' | 'delete' | 'update';
  readonly table: string;
  readonly columns: readonly Column[];
  /** The assignment of an update, without parameters. It may name the columns of its table only. */
  readonly set?: string;
}

export interface Column {
  readonly name: string;
  readonly type: 'text' | 'bigint';
}

/**
 * Keeps a counter up to date with the rows that a statement changes, like a trigger, but once per batch instead of
 * once per row. At the end of the batch, and in its transaction, `sql` runs for each value of the statement's
 * parameter `by`: with the number of changed rows, with the bytes of these rows, and with that value. The bytes are
 * what the units measured from there on, plus `rowBytes` for each row.
 */
export interface Tally {
  readonly sql: string;
  /** Counted from 0. */
  readonly by: number;
  readonly rowBytes: number;
}

/**
 * Sums numbers of the changed rows for each key and unit of time, once per batch like a tally. `sql` runs with the sums,
 * with `last` of the last row, with the number of the unit since 1970, and with the key. A row counts only if all of its
 * numbers are there.
 */
export interface TimeTally {
  readonly sql: string;
  /** Length of the unit: a day (UTC) or less. */
  readonly unitMs: number;
  /** The parameters that are the key, from 0. */
  readonly by: readonly number[];
  /** The parameter with the time; epoch milliseconds. */
  readonly at: number;
  /** What each row adds to the first sums. */
  readonly perRow: readonly number[];
  /** The parameters that are summed after these. */
  readonly of: readonly number[];
  /** Parameters of which only those of the last row are kept. */
  readonly last?: readonly number[];
}

export interface BatchStep {
  readonly statement: Statement;
  /** The statement's parameters, in order. */
  readonly values: readonly SqlValue[];
}

export type Unit = readonly BatchStep[];

/** Number of steps that changed a row, or why the unit failed. */
export type UnitOutcome = number | Fault;

/** Runs the units in order in one transaction; durable when it settles. One outcome per unit. */
export type RunBatch = (units: readonly Unit[]) => Promise<readonly UnitOutcome[]>;
