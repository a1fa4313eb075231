/** Counts the rows that the statements of a batch change, for counters that are updated at its end. */
import { isLongText, type SqlValue, type Statement } from './batch.ts';

export interface Count {
  rows: number;
  bytes: number;
}

/** SQL → value → counts. */
export type Tallies = Map<string, Map<SqlValue, Count>>;

/** A changed row of a unit that can still fail. */
export interface Mark {
  readonly sql: string;
  readonly value: SqlValue;
  bytes: number;
}

/** Adds the rows that a step has changed; its measured bytes go to the latest counted row. */
export function mark(marks: Mark[], { tally, measured = [] }: Statement, values: readonly SqlValue[]): void {
  if (tally) marks.push({ sql: tally.sql, value: values[tally.by] ?? null, bytes: tally.rowBytes });
  const latest = marks.at(-1);
  if (latest === undefined) return;
  for (const index of measured) latest.bytes += bytesOf(values[index] ?? null);
}

export function addMarks(tallies: Tallies, marks: readonly Mark[]): void {
  for (const { sql, value, bytes } of marks) {
    const counts = tallies.get(sql) ?? new Map<SqlValue, Count>();
    tallies.set(sql, counts);
    const count = counts.get(value) ?? { rows: 0, bytes: 0 };
    counts.set(value, count);
    count.rows++;
    count.bytes += bytes;
  }
}

function bytesOf(value: SqlValue): number {
  if (isLongText(value)) return value.pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return typeof value === 'string' ? Buffer.byteLength(value) : 0;
}
