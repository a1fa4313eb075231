/** The log of a run: each line with its time and its stream, and a search in it. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { follow } from '../../api/event-source.ts';
import { type RunRecord, runStream } from '../../api/runs.ts';
import { TextField } from '../../components/fields.tsx';
import { countedText, countText } from '../../components/units.ts';
import { LogLineText, LogLineTime } from './log-line.tsx';
import { createLiveLog, type LiveLines, type LogLine, noLines, parseLine } from './log-lines.ts';

interface LogViewProps {
  /** The annotation of the record that says why lines may be missing. */
  readonly partial?: unknown;
}

/** More would make the page slow; a search finds the others. */
const mostShown = 2000;
/** Of a log that can change with each frame. */
const mostShownLive = 500;
/** Pixels. */
const nearEnd = 8;

/** @param lines as they are in the record */
export function LogView({ lines, partial }: LogViewProps & { readonly lines: readonly unknown[] }) {
  const kept = useMemo(() => ({ lines: lines.map(parseLine), dropped: 0 }), [lines]);
  return <Lines kept={kept} order="first" isLive={false} partial={partial} />;
}

interface LiveLogViewProps extends LogViewProps {
  readonly id: string;
  /** @param record null: none was kept */
  readonly onEnd: (record: RunRecord | null) => void;
  readonly isLive: boolean;
}

/** Follows the log of a run, and shows its last lines. Give it a key: it is of one run. */
export function LiveLogView({ id, onEnd, isLive, partial }: LiveLogViewProps) {
  const [kept, setKept] = useState<LiveLines>(noLines);
  useEffect(() => {
    const log = createLiveLog(setKept);
    const unfollow = follow({
      path: runStream(id),
      onEvent(event, data, number) {
        if (event === 'log') log.add(data, number);
        if (event !== 'end') return false;
        log.flush();
        onEnd(data as RunRecord | null);
        return true;
      },
    });
    return () => {
      unfollow();
      log.end();
    };
  }, [id]);
  return <Lines kept={kept} order="last" isLive={isLive} partial={partial} />;
}

interface LinesProps extends LogViewProps {
  readonly kept: LiveLines;
  /** Which are shown of many. */
  readonly order: 'first' | 'last';
  /** It can still grow. */
  readonly isLive: boolean;
}

function Lines({ kept: { lines, dropped }, order, isLive, partial }: LinesProps) {
  const [search, setSearch] = useState('');
  const wanted = search.toLowerCase();
  const found = useMemo(() => {
    const numbered = lines.map((line, at) => ({ line, number: dropped + at + 1 }));
    if (wanted === '') return numbered;
    return numbered.filter(({ line }) => line.text.toLowerCase().includes(wanted));
  }, [lines, dropped, wanted]);
  const most = order === 'first' ? mostShown : mostShownLive;
  const shown = order === 'first' ? found.slice(0, most) : found.slice(-most);
  const endInView = useEndInView(order === 'last', shown);
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
        <ol {...endInView} class="log" tabIndex={0} aria-label="Lines of the log">
          {shown.map(({ line, number }) => (
            <Line key={number} line={line} />
          ))}
        </ol>
      )}
      {found.length > most && (
        <p class="quiet">
          The {order} {countText(most)} of {countText(found.length)} lines. A search looks at all of them.
        </p>
      )}
      {dropped > 0 && (
        <p class="quiet">
          {countedText(dropped, 'earlier line')} left out here. When the run has ended, its page has the whole
          log.
        </p>
      )}
    </section>
  );
}

/** Not drawn again when only others have changed: a live log draws many in each frame. */
function Line({ line }: { readonly line: LogLine }) {
  return useMemo(
    () => (
      <li>
        <LogLineTime line={line} />
        <LogLineText line={line} />
      </li>
    ),
    [line],
  );
}

/** Keeps the end of a list in view while it grows, unless the reader has scrolled away from there. */
function useEndInView(isWanted: boolean, shown: readonly unknown[]) {
  const ref = useRef<HTMLOListElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const { current: list } = ref;
    if (isWanted && isAtEnd.current && list !== null) list.scrollTop = list.scrollHeight;
  }, [isWanted, shown]);
  const onScroll = ({ currentTarget: list }: { readonly currentTarget: HTMLOListElement }) => {
    isAtEnd.current = list.scrollHeight - list.scrollTop - list.clientHeight < nearEnd;
  };
  return { ref, onScroll };
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
