/** How far back a list goes: a period in the address, or the time from which a figure was counted. */
import { hourMs } from '../api/hours.ts';
import { serverNow } from '../api/server-clock.ts';
import { place, setQuery } from '../app/router.ts';
import { SelectField } from '../components/fields.tsx';
import { timeText } from '../components/time.tsx';

const dayMs = 24 * hourMs;
const periods: Readonly<Record<string, number>> = {
  hour: hourMs,
  day: dayMs,
  week: 7 * dayMs,
  month: 30 * dayMs,
};
const options = [
  { value: '', text: 'Any time' },
  { value: 'hour', text: 'Last hour' },
  { value: 'day', text: 'Last 24 hours' },
  { value: 'week', text: 'Last 7 days' },
  { value: 'month', text: 'Last 30 days' },
];
const epochForm = /^\d{1,15}$/;

interface PeriodFieldProps {
  readonly label: string;
  readonly isBare?: boolean;
  /** By default it changes `since` in the address. */
  readonly onInput?: (since: string) => void;
}

export function PeriodField({
  label,
  isBare = false,
  onInput = (since) => setQuery({ since }),
}: PeriodFieldProps) {
  const value = place.value.query.get('since') ?? '';
  const isTime = epochForm.test(value);
  return (
    <SelectField
      label={label}
      isBare={isBare}
      value={isTime || Object.hasOwn(periods, value) ? value : ''}
      onInput={onInput}
      options={isTime ? [...options, { value, text: `Since ${timeText(Number(value))}` }] : options}
    />
  );
}

/**
 * The same start for as long as the filter stays, so that pages fit together.
 * @param since of the address: a period, or epoch milliseconds
 */
export const sinceOf = (() => {
  let last: { readonly period: string; readonly since: number } | undefined;
  return (period: string): number | undefined => {
    if (epochForm.test(period)) return Number(period);
    const ms = Object.hasOwn(periods, period) ? periods[period] : undefined;
    if (ms === undefined) return undefined;
    if (last?.period !== period || serverNow() - last.since > ms + 60_000)
      last = { period, since: serverNow() - ms };
    return last.since;
  };
})();
