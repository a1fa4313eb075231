/** The log of a run: each line with its time and its stream, and a search in it. */
import { useMemo, useState } from 'preact/hooks';
import { TextField } from '../components/fields.tsx';
import { countText } from '../components/units.ts';

interface LogLine {
  /** As it is in the record; '' for a line without one. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

interface LogViewProps {
  readonly lines: readonly unknown[];
  /** It can still grow. */
  readonly isLive: boolean;
}

/** More would make the page slow; a search finds the others. */
const mostShown = 2000;
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

export function LogView({ lines, isLive }: LogViewProps) {
  const [search, setSearch] = useState('');
  const wanted = search.toLowerCase();
  const found = useMemo(
    () => lines.map(parseLine).filter(({ text }) => text.toLowerCase().includes(wanted)),
    [lines, wanted],
  );
  const shown = found.slice(0, mostShown);
  return (
    <section class="stack" aria-label="Log">
      <div class="section-head">
        <h2>Log</h2>
        <TextField
          label="Search the log"
          value={search}
          onInput={setSearch}
          placeholder="Search the log"
          isBare
        />
      </div>
      {shown.length === 0 ? (
        <p class="quiet">{emptyText(lines.length, isLive)}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long log scrolls, also by keyboard
        <ol class="log" tabIndex={0} aria-label="Lines of the log">
          {shown.map(({ time, stream, text }, index) => (
            <li key={index} class={stream}>
              <time class="quiet" dateTime={time} title={`${time} ${stream}`}>
                {timeText(time)}
              </time>
              <pre>
                {stream === 'stderr' && <span class="unseen">stderr: </span>}
                {text.slice(0, longestLine)}
                {text.length > longestLine && (
                  <span class="quiet"> … and {countText(text.length - longestLine)} more characters</span>
                )}
              </pre>
            </li>
          ))}
        </ol>
      )}
      {found.length > mostShown && (
        <p class="quiet">
          The first {countText(mostShown)} of {countText(found.length)} lines. A search looks at all of them.
        </p>
      )}
    </section>
  );
}

function emptyText(lines: number, isLive: boolean): string {
  if (lines > 0) return 'No line has this text.';
  return isLive ? 'It has written nothing so far.' : 'It wrote nothing.';
}

function parseLine(line: unknown): LogLine {
  const whole = typeof line === 'string' ? line : JSON.stringify(line);
  const [, time = '', stream, text = whole] = pattern.exec(whole) ?? [];
  return { time, stream: stream === 'stderr' ? 'stderr' : 'stdout', text };
}

function timeText(time: string): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? '' : clock.format(at);
}
