/** A time in the reader's zone, with the exact one in its title. */
interface TimeProps {
  /** Epoch milliseconds. */
  readonly at: number;
}

const sameDay = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const sameYear = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const otherYear = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: '2-digit' });

export function Time({ at }: TimeProps) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span>unknown</span>;
  const exact = date.toISOString();
  return (
    <time dateTime={exact} title={exact}>
      {timeText(at)}
    </time>
  );
}

/** In the reader's zone, for where no element can be. */
export function timeText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'unknown' : formFor(date, new Date()).format(date);
}

function formFor(date: Date, now: Date): Intl.DateTimeFormat {
  if (date.toDateString() === now.toDateString()) return sameDay;
  return date.getFullYear() === now.getFullYear() ? sameYear : otherYear;
}
