/** The log of a run: each line with its time and its stream, and a search in it. */
import { useMemo, useState } from 'preact/hooks';
import { TextField } from '../../components/fields.tsx';
import { countText } from '../../components/units.ts';
import { LogLineText, LogLineTime, parseLine } from './log-line.tsx';

interface LogViewProps {
  readonly lines: readonly unknown[];
  /** It can still grow. */
  readonly isLive: boolean;
  /** The annotation of the record that says why lines may be missing. */
  readonly partial?: unknown;
}

/** More would make the page slow; a search finds the others. */
const mostShown = 2000;

export function LogView({ lines, isLive, partial }: LogViewProps) {
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
      {partial !== undefined && <p class="note warn">{partialText(partial)}</p>}
      {shown.length === 0 ? (
        <p class="quiet">{emptyText(lines.length, isLive, partial === 'lost')}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long log scrolls, also by keyboard
        <ol class="log" tabIndex={0} aria-label="Lines of the log">
          {shown.map((line, index) => (
            <li key={index}>
              <LogLineTime line={line} />
              <LogLineText line={line} />
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

function partialText(partial: unknown): string {
  if (partial === 'cut')
    return 'The log is partial: it reached the limit of its function. A line at its end says how much was left out.';
  if (partial === 'incomplete')
    return 'The log may be partial: it did not end as it should, so its last lines may be missing.';
  if (partial === 'lost')
    return 'The log is lost: the node or the server that had it ended before it was kept.';
  return 'The log may be partial.';
}

function emptyText(lines: number, isLive: boolean, isLost: boolean): string {
  if (lines > 0) return 'No line has this text.';
  if (isLost) return 'What it wrote is not known.';
  return isLive ? 'It has written nothing so far.' : 'It wrote nothing.';
}
