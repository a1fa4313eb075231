/** One line of a log, with its time and its stream. */
import { countText } from '../../components/units.ts';
import type { LogLine } from './log-lines.ts';

/** Characters of a line that are shown: one of megabytes would stop the page for seconds. */
const longestLine = 10_000;
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

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
