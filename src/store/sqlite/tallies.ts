/** Counts the rows that the statements of a batch change, for what is to be updated by their number at its end. */
import type { SqlValue, Statement } from '../batch.ts';

/** SQL → value → how often. */
export type Tallies = Map<string, Map<SqlValue, number>>;

/** A row that was changed, of a unit that may still fail. */
export interface Mark {
  readonly sql: string;
  readonly value: SqlValue;
}

/** Undefined when nothing is counted by the statement. */
export function markOf({ tally }: Statement, values: readonly SqlValue[]): Mark | undefined {
  return tally && { sql: tally.sql, value: values[tally.by] ?? null };
}

export function addMarks(tallies: Tallies, marks: readonly Mark[]): void {
  for (const { sql, value } of marks) {
    const counts = tallies.get(sql) ?? new Map<SqlValue, number>();
    tallies.set(sql, counts);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
}
