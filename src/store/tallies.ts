/** Counts the rows that the statements of a batch change, for counters that are updated at its end. */
import { isLongText, type SqlValue, type Statement, type TimeTally } from './batch.ts';

/** How much one counter grows: the parameters of its statement, first the amounts, and those of the last row. */
export interface Growth {
  readonly amounts: number[];
  last: readonly SqlValue[];
  readonly key: readonly SqlValue[];
}

/** SQL → key as text → growth. */
export type Tallies = Map<string, Map<string, Growth>>;

/** A changed row of a unit that can still fail. */
export interface Mark extends Growth {
  readonly sql: string;
}

/** Adds the rows that a step has changed; its measured bytes go to the latest row that `tally` counts. */
export function mark(
  marks: Mark[],
  { tally, timeTally, measured = [] }: Statement,
  values: readonly SqlValue[],
): void {
  if (timeTally) marks.push(...timeMark(timeTally, values));
  if (tally) {
    const key = [values[tally.by] ?? null];
    marks.push({ sql: tally.sql, key, last: [], amounts: [1, tally.rowBytes] });
  }
  const latest = marks.at(-1);
  if (latest === undefined) return;
  for (const index of measured) add(latest.amounts, 1, bytesOf(values[index] ?? null));
}

export function addMarks(tallies: Tallies, marks: readonly Mark[]): void {
  for (const { sql, key, last, amounts } of marks) {
    const growths = tallies.get(sql) ?? new Map<string, Growth>();
    tallies.set(sql, growths);
    const text = key.join('\n');
    const growth = growths.get(text) ?? { key, last, amounts: amounts.map(() => 0) };
    growths.set(text, growth);
    growth.last = last;
    amounts.forEach((amount, at) => {
      add(growth.amounts, at, amount);
    });
  }
}

/** The parameters of the counter's statement. */
export function valuesOf({ amounts, last, key }: Growth): SqlValue[] {
  return [...amounts, ...last, ...key];
}

/** Nothing for a row without one of the numbers. */
function timeMark(
  { sql, unitMs, by, at, perRow, of, last = [] }: TimeTally,
  values: readonly SqlValue[],
): readonly Mark[] {
  const those = (indexes: readonly number[]) => indexes.map((index) => values[index] ?? null);
  const amounts = those(of);
  if (!amounts.every((amount) => typeof amount === 'number')) return [];
  const unit = Math.floor(Number(values[at]) / unitMs);
  return [{ sql, key: [unit, ...those(by)], last: those(last), amounts: [...perRow, ...amounts] }];
}

function add(amounts: number[], at: number, amount: number): void {
  amounts[at] = (amounts[at] ?? 0) + amount;
}

function bytesOf(value: SqlValue): number {
  if (isLongText(value)) return value.pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return typeof value === 'string' ? Buffer.byteLength(value) : 0;
}
