/** What namespaces used on each day, for bills. The sums are those of the records, which may be gone by now. */
import { csvLine } from '../../lib/index.ts';
import type { UsageDay, UsagePlace, UsageQuery, UsageStore } from '../../store/index.ts';

/** Of one namespace on one day. */
export interface UsageRow {
  /** UTC, such as `2026-01-31`. */
  readonly day: string;
  readonly namespace: string;
  /** When the namespace was created; epoch milliseconds. A later one of that name has rows of its own. */
  readonly createdAt: number;
  readonly calls: number;
  readonly coldStarts: number;
  /** Memory limits times durations, in MiB × ms: exact, and what `gibSeconds` is computed from. */
  readonly mibMs: number;
  readonly gibSeconds: number;
  /** Bytes over the network, with all headers: what functions sent, and what they received. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Bytes of code, records and images at each full hour, summed. */
  readonly storedByteHours: number;
  readonly storedHours: number;
}

const dayMs = 86_400_000;
const pageRows = 500;
const mibMsOfGibSecond = 1024 * 1000;
/** Three years, then a day is forgotten. */
export const usageKeptDays = 3 * 366;

/** Reads a page at a time, so that any number of rows takes little memory. */
export async function* usageRows(
  usage: Pick<UsageStore, 'days'>,
  query: UsageQuery,
): AsyncGenerator<UsageRow, void> {
  let after: UsagePlace | undefined;
  do {
    const page: readonly UsageDay[] = await usage.days(query, after, pageRows);
    for (const each of page) yield rowOf(each);
    after = page.length < pageRows ? undefined : page.at(-1);
  } while (after !== undefined);
}

/** The day since 1970 that a time belongs to. */
export function dayOf(time: number): number {
  return Math.floor(time / dayMs);
}

/** The day since 1970 of a date such as `2026-01-31`; undefined: there is no such date. */
export function parseDay(text: string): number | undefined {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) || dateOf(dayOf(time)) !== text ? undefined : dayOf(time);
}

const csvColumns = [
  ...(['day', 'namespace', 'createdAt', 'calls', 'coldStarts', 'mibMs', 'gibSeconds'] as const),
  ...(['storedByteHours', 'storedHours', 'sentBytes', 'receivedBytes'] as const),
];

/** Lines of a table for spreadsheets. */
export async function* usageCsv(rows: AsyncIterable<UsageRow>): AsyncGenerator<string, void> {
  yield csvLine(csvColumns);
  for await (const row of rows) {
    const cells = { ...row, createdAt: new Date(row.createdAt).toISOString() };
    yield csvLine(csvColumns.map((column) => cells[column]));
  }
}

function rowOf({ day, mibMs, ...usage }: UsageDay): UsageRow {
  const { namespace, createdAt, calls, coldStarts } = usage;
  const { storedByteHours, storedHours, sentBytes, receivedBytes } = usage;
  return {
    ...{ day: dateOf(day), namespace, createdAt, calls, coldStarts, mibMs },
    ...{ gibSeconds: mibMs / mibMsOfGibSecond, storedByteHours, storedHours },
    ...{ sentBytes, receivedBytes },
  };
}

function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}
