/** One line of a log, with its time and its stream. */
import { countText } from '../../components/units.ts';

export interface LogLine {
  /** As it is in the record; '' for a line without one. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Characters of a line that are shown: one of megabytes would stop the page for seconds. */
const longestLine = 10_000;
const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z) +(stdout|stderr): ?([\s\S]*)$/;
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

/** @param line as it is in a record */
export function parseLine(line: unknown): LogLine {
  const whole = typeof line === 'string' ? line : JSON.stringify(line);
  const [, time = '', stream, text = whole] = pattern.exec(whole) ?? [];
  return { time, stream: stream === 'stderr' ? 'stderr' : 'stdout', text };
}

export function LogLineTime({ line: { time, stream } }: { readonly line: LogLine }) {
  return (
    <time class="quiet" dateTime={time} title={`${time} ${stream}`}>
      {timeText(time)}
    </time>
  );
}

export function LogLineText({ line: { stream, text } }: { readonly line: LogLine }) {
  return (
    <pre class={`log-text ${stream}`}>
      {stream === 'stderr' && <span class="unseen">stderr: </span>}
      {text.slice(0, longestLine)}
      {text.length > longestLine && (
        <span class="quiet"> … and {countText(text.length - longestLine)} more characters</span>
      )}
    </pre>
  );
}

function timeText(time: string): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? '' : clock.format(at);
}
