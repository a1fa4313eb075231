/** How the calls of all namespaces go now, for operators: those with the largest share of failures first. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { CallFigures, NamespaceCalls } from '../../../answers/index.ts';
import { call } from '../api/client.ts';
import { linkTo, place, setQuery } from '../app/router.ts';
import { currentSession, may } from '../app/session.ts';
import { Bars } from '../components/bars.tsx';
import { Button } from '../components/button.tsx';
import { Empty } from '../components/empty.tsx';
import { SelectField } from '../components/fields.tsx';
import { LoadView } from '../components/load-view.tsx';
import { Section } from '../components/section.tsx';
import { type Column, Table } from '../components/table.tsx';
import { countedText, countText, durationText, shareText } from '../components/units.ts';
import { useLoad } from '../components/use-load.ts';

const windows = [
  { value: '5m', text: 'Last 5 minutes' },
  { value: '1h', text: 'Last hour' },
  { value: '1d', text: 'Last 24 hours' },
];
const usual = '1h';
/** Of the list behind a figure. It has no shorter one than an hour. */
const periods: Readonly<Record<string, string>> = { '5m': 'hour', '1h': 'hour', '1d': 'day' };
const firstRows = 20;
/** Most that the API answers with at once. */
const mostRows = 200;
/** A busy Ward has new calls all the time. */
const leastPauseMs = 5000;

/** @param news changes when there are new calls */
export function CallsOfNamespaces({ news }: { readonly news: number }) {
  const [isWhole, setWhole] = useState(false);
  const asked = place.value.query.get('window') ?? '';
  const window = windows.some(({ value }) => value === asked) ? asked : usual;
  const path = `/ward/v1/operator/calls?window=${window}&limit=${isWhole ? mostRows : firstRows}`;
  const loaded = useLoad((signal) => call<CallFigures>('GET', path, { signal }), path);
  useSeldom(loaded.reload, news);
  return (
    <Section
      title="Calls of all namespaces"
      actions={
        <SelectField
          label="Calls that began"
          isBare
          value={window}
          onInput={(value) => setQuery({ window: value })}
          options={windows}
        />
      }
    >
      <LoadView loaded={loaded}>
        {({ total, namespaces, since, slotMs }) =>
          total === 0 ? (
            <Empty title="No namespace had calls" command="ward namespace calls --window 1d">
              Choose a longer time, or look with the command line:
            </Empty>
          ) : (
            <div class="stack">
              <Table
                caption="Calls of all namespaces"
                columns={columnsOf({ window, since, slotMs })}
                rows={namespaces}
                keyOf={({ namespace }) => namespace}
              />
              {namespaces.length < total && (
                <p class="quiet">
                  {countText(total - namespaces.length)} more had calls.{' '}
                  {isWhole ? (
                    <code>{`ward namespace calls --window ${window} --skip ${namespaces.length}`}</code>
                  ) : (
                    <Button onClick={() => setWhole(true)}>Show more</Button>
                  )}
                </p>
              )}
            </div>
          )
        }
      </LoadView>
    </Section>
  );
}

interface Shown {
  readonly window: string;
  readonly since: number;
  readonly slotMs: number;
}

function columnsOf({ window, since, slotMs }: Shown): readonly Column<NamespaceCalls>[] {
  const runsOf = ({ namespace }: NamespaceCalls, failed = '') =>
    may('read') && currentSession()?.namespace === namespace
      ? linkTo(['runs'], { since: periods[window] ?? '', failed })
      : linkTo(['namespaces', namespace]);
  return [
    {
      title: 'Namespace',
      cell: ({ namespace }) => (
        <a class="breaks" href={linkTo(['namespaces', namespace])}>
          {namespace}
        </a>
      ),
    },
    {
      title: 'Failed',
      cell: (row) =>
        row.failed === 0 ? (
          <span class="quiet">none</span>
        ) : (
          <a href={runsOf(row, 'true')}>{`${countText(row.failed)}, ${shareText(row.failed, row.calls)}`}</a>
        ),
      isNumber: true,
    },
    { title: 'Over time', cell: (row) => <Slots row={row} since={since} slotMs={slotMs} /> },
    {
      title: 'Calls',
      cell: (row) => <a href={runsOf(row)}>{countText(row.calls)}</a>,
      isNumber: true,
    },
    {
      title: 'Calls/s',
      cell: (row) => <a href={runsOf(row)}>{row.callsPerSecond.toFixed(2)}</a>,
      isNumber: true,
    },
    { title: 'p50', cell: (row) => <a href={runsOf(row)}>{durationText(row.p50Ms)}</a>, isNumber: true },
    { title: 'p99', cell: (row) => <a href={runsOf(row)}>{durationText(row.p99Ms)}</a>, isNumber: true },
    {
      title: 'Cold starts',
      cell: (row) => <a href={runsOf(row)}>{shareText(row.coldStarts, row.calls)}</a>,
      isNumber: true,
    },
  ];
}

interface SlotsProps extends Omit<Shown, 'window'> {
  readonly row: NamespaceCalls;
}

function Slots({ row: { calls, failed, slots }, since, slotMs }: SlotsProps) {
  return (
    <Bars
      label={`${countedText(calls, 'call')}, ${countText(failed)} failed`}
      bars={slots.map((slot, index) => {
        const at = new Date(since + index * slotMs);
        const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
        return {
          ...{ name: String(index), value: slot.calls, part: slot.failed },
          text: `from ${time}: ${countedText(slot.calls, 'call')}, ${countText(slot.failed)} failed`,
        };
      })}
    />
  );
}

/** Runs it when the news change, and after a pause if they do so often. */
function useSeldom(run: () => void, news: number): void {
  const last = useRef(0);
  useEffect(() => {
    if (news === 0) return;
    const runNow = () => {
      last.current = performance.now();
      run();
    };
    const wait = Math.max(0, last.current + leastPauseMs - performance.now());
    const timer = setTimeout(runNow, wait);
    return () => clearTimeout(timer);
  }, [news]);
}
