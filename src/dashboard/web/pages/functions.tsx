/** All functions of the namespace, the last changed first, with how each did in the last day. */

import { useState } from 'preact/hooks';
import type { FunctionFigures } from '../../../answers/index.ts';
import {
  countFunctions,
  type FunctionSummary,
  functionPath,
  kindOf,
  listFigures,
  listFunctions,
} from '../api/functions.ts';
import { lastHours } from '../api/hours.ts';
import { longestPage } from '../api/runs.ts';
import { serverNow } from '../api/server-clock.ts';
import type { PageProps } from '../app/pages.ts';
import { linkTo } from '../app/router.ts';
import { may } from '../app/session.ts';
import { Bars } from '../components/bars.tsx';
import { Empty } from '../components/empty.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { PageHead } from '../components/page-head.tsx';
import { PagedRows } from '../components/paged-rows.tsx';
import { Time } from '../components/time.tsx';
import { countedText, countText, durationText } from '../components/units.ts';
import { usePages } from '../components/use-pages.ts';
import type { VirtualColumn } from '../components/virtual-rows.tsx';
import { RunVerdict, withoutReport } from './gate/gate-words.tsx';
import { QueryField } from './query-field.tsx';
import { RunStatus } from './run-status.tsx';

type Figures = FunctionFigures | undefined;

export function Functions({ query }: PageProps) {
  const search = query.get('search')?.trim() ?? '';
  const [known, setKnown] = useState<ReadonlyMap<string, FunctionFigures>>(new Map());
  const [failure, setFailure] = useState<unknown>();
  const pages = usePages<FunctionSummary>(
    {
      count: (signal) => countFunctions(search, signal),
      async page(skip, limit, signal) {
        const rows = await listFunctions(search, { skip, limit }, signal);
        // The rows don't wait for their figures.
        listFigures(search, { skip, limit }, signal).then(
          (figures) => {
            setFailure(undefined);
            setKnown((before) => new Map([...before, ...figures.map((each) => [each.name, each] as const)]));
          },
          (error) => {
            if (!signal.aborted) setFailure(error);
          },
        );
        return rows;
      },
      pageSize: longestPage / 4,
    },
    search,
  );
  const of = (each: FunctionSummary): Figures => known.get(functionPath(each));
  const columns: readonly VirtualColumn<FunctionSummary>[] = [
    {
      title: 'Function',
      area: 'name',
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
    { title: 'Verdict', cell: (each) => <Verdict figures={of(each)} />, area: 'verdict' },
    { title: 'Calls, 24 h', cell: (each) => <Calls figures={of(each)} />, area: 'calls' },
    { title: 'p99', cell: (each) => <SlowCalls figures={of(each)} />, area: 'slow' },
    { title: 'Last error', cell: (each) => <LastError figures={of(each)} />, area: 'error' },
    { title: 'Last run', cell: (each) => <LastRun figures={of(each)} />, area: 'last' },
    { title: 'Changed', cell: ({ updated }) => <Time at={updated} />, area: 'changed' },
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
      {failure !== undefined && <ErrorNote error={failure} onRetry={pages.refresh} />}
      <PagedRows
        {...{ caption: 'Functions', layout: 'functions', noun: 'function', columns, pages }}
        keyOf={functionPath}
      >
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

interface FiguresProps {
  /** Undefined: they are on their way. */
  readonly figures: Figures;
}

function Verdict({ figures }: FiguresProps) {
  if (figures === undefined) return <span class="quiet">…</span>;
  const { gate } = figures;
  if (gate === null) return <span class="quiet">no code</span>;
  const { outcome, summary, digest } = gate;
  if (digest === null) return <RunVerdict outcome={outcome} />;
  return (
    <a class="plain-link" href={linkTo(['gate', 'report', digest])} title={withoutReport(summary)}>
      <RunVerdict outcome={outcome} />
    </a>
  );
}

function LastRun({ figures }: FiguresProps) {
  if (figures === undefined) return <span class="quiet">…</span>;
  const { last } = figures;
  if (last === null) return <span class="quiet">none kept</span>;
  return (
    <a class="plain-link" href={linkTo(['runs', last.activationId])}>
      <RunStatus run={{ end: last.end ?? last.start, statusCode: last.statusCode }} />
    </a>
  );
}

function LastError({ figures }: FiguresProps) {
  if (figures === undefined || figures.lastError === null) return null;
  const { activationId, error = 'see its run' } = figures.lastError;
  return (
    <a class="plain-link" href={linkTo(['runs', activationId])} title={error}>
      {error}
    </a>
  );
}

function Calls({ figures }: FiguresProps) {
  if (figures === undefined || figures.calls === 0) return null;
  const { name, hours, calls, isCut } = figures;
  const text = `${isCut ? 'at least ' : ''}${countedText(calls, 'call')} in 24 hours`;
  return (
    <a href={linkTo(['runs'], { name, since: 'day' })}>
      <Bars
        label={text}
        width={80}
        bars={lastHours(serverNow()).map((at) => {
          const { calls = 0, failed = 0 } = hours.find((each) => each.at === at) ?? {};
          return {
            ...{ name: String(at), value: calls, part: failed },
            text: `${text}; in this hour ${countText(calls)}, ${countText(failed)} failed`,
          };
        })}
      />
    </a>
  );
}

function SlowCalls({ figures }: FiguresProps) {
  if (figures === undefined || figures.p99 === null) return null;
  const { name, hours, p99 } = figures;
  const text = `p99 ${durationText(p99)} over 24 hours`;
  return (
    <span class="spark">
      <Bars
        label={text}
        width={56}
        bars={lastHours(serverNow()).map((at) => {
          const value = hours.find((each) => each.at === at)?.p99 ?? 0;
          return { name: String(at), value, text: `${text}; in this hour ${durationText(value)}` };
        })}
      />
      <a class="plain-link" href={linkTo(['runs'], { name, since: 'day', took: String(p99) })}>
        {durationText(p99)}
      </a>
    </span>
  );
}
