/** The result as a Markdown table, for the terminal and docs/benchmarks.md. */

export interface Row {
  readonly what: string;
  readonly baseline: string;
  readonly ward: string;
  /** Ward against the baseline, or Ward's figure alone. */
  readonly result: string;
  readonly target: string;
  /** Undefined when there is no target. */
  readonly isMet: boolean | undefined;
}

export function printTable(rows: readonly Row[]): void {
  console.log('| what | baseline | Ward | result | target | met |');
  console.log('|---|---|---|---|---|---|');
  for (const { what, baseline, ward, result, target, isMet } of rows) {
    const met = isMet === undefined ? '–' : isMet ? 'yes' : 'no';
    console.log(`| ${what} | ${baseline} | ${ward} | ${result} | ${target} | ${met} |`);
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/**
 * Where the median of all values lies that could be measured, with a certainty of at least 95 % if there are six or more. Each
 * lies below it as often as above, however they are spread.
 */
export function rangeOfMedian(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let at = 0;
  // How likely it is that no more than `at` values lie below the median.
  let chance = 0.5 ** count;
  for (let next = chance * count; chance + next <= 0.025; next *= (count - at) / (at + 1)) {
    chance += next;
    at++;
  }
  return [sorted[at] ?? Number.NaN, sorted[count - 1 - at] ?? Number.NaN];
}

/** @param share from 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}
