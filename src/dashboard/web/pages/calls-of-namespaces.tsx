/** How the calls of all namespaces go now, for operators: those with the largest share of failures first. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { CallFigures, NamespaceCalls } from '../../../answers/index.ts';
import { call } from '../api/client.ts';
import { linkTo } from '../app/router.ts';
import { mayOpenPagesOf } from '../app/session.ts';
import { Bars } from '../components/bars.tsx';
import { Button } from '../components/button.tsx';
import { Empty } from '../components/empty.tsx';
import { LoadView } from '../components/load-view.tsx';
import { Section } from '../components/section.tsx';
import { type Column, Table } from '../components/table.tsx';
import { countedText, countText, durationText, shareText } from '../components/units.ts';
import { useLoad } from '../components/use-load.ts';
import { WindowField, windowHere } from './window-field.tsx';

const firstRows = 20;
/** Most that the API answers with at once. */
const mostRows = 200;
/** A busy Ward has new calls all the time. */
const leastPauseMs = 5000;

/** @param news changes when there are new calls */
export function CallsOfNamespaces({ news }: { readonly news: number }) {
  const [isWhole, setWhole] = useState(false);
  const window = windowHere();
  const path = `/ward/v1/operator/calls?window=${window}&limit=${isWhole ? mostRows : firstRows}`;
  const loaded = useLoad((signal) => call<CallFigures>('GET', path, { signal }), path);
  useSeldom(loaded.reload, news);
  return (
    <Section title="Calls of all namespaces" actions={<WindowField />}>
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
  // Operators have no list of the runs of others: the page of a namespace has the counts that these are made of.
  const linkOf = ({ namespace }: NamespaceCalls, filter: Readonly<Record<string, string>> = {}) =>
    mayOpenPagesOf(namespace)
      ? linkTo(['runs'], { since: String(since), calls: 'true', ...filter })
      : linkTo(['namespaces', namespace], { window });
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
          <a
            href={linkOf(row, { failed: 'true' })}
          >{`${countText(row.failed)}, ${shareText(row.failed, row.calls)}`}</a>
        ),
      isNumber: true,
    },
    { title: 'Over time', cell: (row) => <Slots row={row} since={since} slotMs={slotMs} /> },
    {
      title: 'Calls',
      cell: (row) => <a href={linkOf(row)}>{countText(row.calls)}</a>,
      isNumber: true,
    },
    {
      title: 'Calls/s',
      cell: (row) => <a href={linkOf(row)}>{row.callsPerSecond.toFixed(2)}</a>,
      isNumber: true,
    },
    { title: 'p50', cell: (row) => <a href={linkOf(row)}>{durationText(row.p50Ms)}</a>, isNumber: true },
    { title: 'p99', cell: (row) => <a href={linkOf(row)}>{durationText(row.p99Ms)}</a>, isNumber: true },
    {
      title: 'Cold starts',
      cell: (row) => <a href={linkOf(row, { start: 'cold' })}>{shareText(row.coldStarts, row.calls)}</a>,
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
