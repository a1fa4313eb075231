/** All functions of the namespace, the last changed first, with how each did in the last day. */
import {
  countFunctions,
  type FunctionSummary,
  functionPath,
  kindOf,
  listFunctions,
} from '../api/functions.ts';
import { longestPage } from '../api/runs.ts';
import type { PageProps } from '../app/pages.ts';
import { linkTo } from '../app/router.ts';
import { may } from '../app/session.ts';
import { Bars } from '../components/bars.tsx';
import { Empty } from '../components/empty.tsx';
import { PageHead } from '../components/page-head.tsx';
import { PagedRows } from '../components/paged-rows.tsx';
import { Time } from '../components/time.tsx';
import { countedText, countText, durationText } from '../components/units.ts';
import { usePages } from '../components/use-pages.ts';
import type { VirtualColumn } from '../components/virtual-rows.tsx';
import { QueryField } from './query-field.tsx';
import { type Recent, useRecentRuns } from './recent-runs.ts';
import { RunStatus } from './run-status.tsx';

export function Functions({ query }: PageProps) {
  const search = query.get('search')?.trim() ?? '';
  const pages = usePages<FunctionSummary>(
    {
      count: (signal) => countFunctions(search, signal),
      page: (skip, limit, signal) => listFunctions(search, { skip, limit }, signal),
      pageSize: longestPage / 2,
    },
    search,
  );
  const recent = useRecentRuns();
  const columns: readonly VirtualColumn<FunctionSummary>[] = [
    {
      title: 'Function',
      cell: (each) => {
        const path = functionPath(each);
        return (
          <a href={linkTo(['functions', ...path.split('/')])} title={path}>
            {path}
          </a>
        );
      },
    },
    { title: 'Kind', cell: kindOf, kind: 'wide' },
    { title: 'Revision', cell: ({ version }) => version, kind: 'wide' },
    { title: 'Memory', cell: ({ limits }) => `${limits.memory} MiB`, kind: 'wide number' },
    { title: 'Time limit', cell: ({ limits }) => durationText(limits.timeout), kind: 'wide number' },
    { title: 'Calls, 24 h', cell: (each) => <Calls recent={recent(functionPath(each))} />, kind: 'wide' },
    {
      title: 'p99',
      cell: (each) => {
        const { calls = 0, p99 = 0 } = recent(functionPath(each)) ?? {};
        return calls > 0 && durationText(p99);
      },
      kind: 'wide number',
    },
    { title: 'Last run', cell: (each) => <LastRun recent={recent(functionPath(each))} /> },
    { title: 'Changed', cell: ({ updated }) => <Time at={updated} /> },
  ];
  return (
    <>
      <PageHead
        title="Functions"
        about={pages.count === undefined ? ' ' : countedText(pages.count, 'function')}
      >
        {may('deploy') && (
          <a class="button primary" href={linkTo(['new-function'])}>
            New function
          </a>
        )}
      </PageHead>
      <search class="row filters">
        <QueryField name="search" label="Search functions" placeholder="A part of the name" />
      </search>
      <PagedRows caption="Functions" layout="functions" columns={columns} pages={pages}>
        {search === '' ? (
          <Empty title="No functions yet" command="ward action create hello examples/hello.js">
            Write one here, or deploy a file with the command line:
          </Empty>
        ) : (
          <Empty title="No function has this in its name">Search for less.</Empty>
        )}
      </PagedRows>
    </>
  );
}

function LastRun({ recent }: { readonly recent: Recent | undefined }) {
  if (recent === undefined) return <span class="quiet">…</span>;
  const { last } = recent;
  if (last === null) return <span class="quiet">none kept</span>;
  return (
    <a class="plain-link" href={linkTo(['runs', last.activationId])}>
      <RunStatus run={last} />
    </a>
  );
}

function Calls({ recent }: { readonly recent: Recent | undefined }) {
  if (recent === undefined || recent.calls === 0) return null;
  const { hours, calls, isCut } = recent;
  const text = `${isCut ? 'more than ' : ''}${countedText(calls, 'call')} in 24 hours`;
  return (
    <Bars
      label={text}
      bars={hours.map((hour) => ({
        ...{ name: String(hour.at), value: hour.calls, part: hour.failed },
        text: `${text}; in this hour ${countText(hour.calls)}, ${countText(hour.failed)} failed`,
      }))}
    />
  );
}
