/** How far back lists of runs go. */
import { hourMs } from '../api/hours.ts';
import { serverNow } from '../api/server-clock.ts';

const periods: Readonly<Record<string, number>> = { hour: hourMs, day: 24 * hourMs, week: 7 * 24 * hourMs };
export const periodOptions = [
  { value: '', text: 'Any time' },
  { value: 'hour', text: 'Last hour' },
  { value: 'day', text: 'Last 24 hours' },
  { value: 'week', text: 'Last 7 days' },
];
/** The same start for as long as the filter stays, so that pages fit together. */
export const sinceOf = (() => {
  let last: { readonly period: string; readonly since: number } | undefined;
  return (period: string): number | undefined => {
    const ms = periods[period];
    if (ms === undefined) return undefined;
    if (last?.period !== period || serverNow() - last.since > ms + 60_000)
      last = { period, since: serverNow() - ms };
    return last.since;
  };
})();
