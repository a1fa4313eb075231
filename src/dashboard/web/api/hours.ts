/** Runs of the last day by the hour in which they began. */
import type { RunSummary } from './runs.ts';

export interface Hour {
  /** Epoch milliseconds of its begin. */
  readonly at: number;
  readonly calls: number;
  readonly failed: number;
  /** Milliseconds; 0 without a run that has ended. */
  readonly p50: number;
  readonly p99: number;
}

export const hourMs = 3_600_000;
const hoursShown = 24;

/** Epoch milliseconds of the first hour that `byHour` shows. */
export function firstHour(now: number): number {
  return Math.floor(now / hourMs) * hourMs - (hoursShown - 1) * hourMs;
}

/** Epoch milliseconds of the begins of 24 hours, the current one last. */
export function lastHours(now: number): readonly number[] {
  return Array.from({ length: hoursShown }, (_, index) => firstHour(now) + index * hourMs);
}

/** These hours. Runs outside of them don't count. */
export function byHour(runs: readonly RunSummary[], now: number): readonly Hour[] {
  const first = firstHour(now);
  const byIndex = Map.groupBy(runs, ({ start }) => Math.floor((start - first) / hourMs));
  return lastHours(now).map((at, index) => {
    const its = byIndex.get(index) ?? [];
    const durations = durationsOf(its);
    return {
      at,
      calls: its.length,
      failed: its.filter(({ statusCode = 0 }) => statusCode !== 0).length,
      p50: quantile(durations, 0.5),
      p99: quantile(durations, 0.99),
    };
  });
}

/** In ascending order. */
export function durationsOf(runs: readonly RunSummary[]): readonly number[] {
  return runs.flatMap(({ duration }) => duration ?? []).sort((a, b) => a - b);
}

/** 0 of none. @param part 0.99 for p99 */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
