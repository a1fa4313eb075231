/**
 * Many small writes in one transaction, as data: what the group writer asks of a database engine.
 *
 * A unit is a list of steps, all or nothing. A step that changes no row ends its unit: what was done before
 * it stays, and the rest is skipped. (That is how a fenced write is ignored.) A unit that fails leaves
 * nothing behind and does not harm the others of its batch.
 */
import type { Fault } from '../lib/index.ts';

export type SqlValue = string | number | null | LongText;

/**
 * A long text as UTF-8, in pieces that the engine puts together: nothing of it is copied on its way there. The engine
 * binds it as bytes, of which the statement has to make a text.
 */
export interface LongText {
  /** They are the engine's from then on, with the whole memory that each is a part of. */
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
}

/** One piece of a long text, in memory of its own: not in that which Node has for many small buffers. */
export function pieceOf(parts: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const piece = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    piece.set(part, at);
    at += part.length;
  }
  return piece;
}

export function isLongText(value: SqlValue | readonly unknown[]): value is LongText {
  return typeof value === 'object' && value !== null && 'pieces' in value;
}

/** A compiled statement. `arity`: how many parameters it takes. */
export interface Statement {
  readonly sql: string;
  readonly arity: number;
  readonly tally?: Tally;
  /** Parameters whose bytes of text count, from 0. */
  readonly measured?: readonly number[];
}

/**
 * What keeps a number up to date with the rows that a statement changes, as a trigger would, but once a batch instead
 * of once a row. At the end of the batch, and in its transaction, `sql` is run for each value that the statement's
 * parameter `by` had: with how often it changed a row, with the bytes that the units measured from there on, and with
 * that value.
 */
export interface Tally {
  readonly sql: string;
  /** Counted from 0. */
  readonly by: number;
}

export interface BatchStep {
  readonly statement: Statement;
  /** As many as the statement's arity, in its order. */
  readonly values: readonly SqlValue[];
}

export type Unit = readonly BatchStep[];

/** How many steps changed a row, or why none could. */
export type UnitOutcome = number | Fault;

/** Runs the units in order in one transaction; durable when it settles. One outcome a unit. */
export type RunBatch = (units: readonly Unit[]) => Promise<readonly UnitOutcome[]>;
