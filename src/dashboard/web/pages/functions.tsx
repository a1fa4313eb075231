/** All functions of the namespace, the last changed first, with how each ran last. */
import { useEffect, useRef, useState } from 'preact/hooks';
import {
  countFunctions,
  type FunctionSummary,
  functionPath,
  kindOf,
  listFunctions,
} from '../api/functions.ts';
import { listRuns, longestPage, type RunSummary } from '../api/runs.ts';
import { linkTo } from '../app/router.ts';
import { may } from '../app/session.ts';
import { Empty } from '../components/empty.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Time } from '../components/time.tsx';
import { countText, durationText } from '../components/units.ts';
import { usePages } from '../components/use-pages.ts';
import { type VirtualColumn, VirtualRows } from '../components/virtual-rows.tsx';
import { RunStatus } from './run-status.tsx';

export function Functions() {
  const pages = usePages<FunctionSummary>(
    {
      count: countFunctions,
      page: (skip, limit, signal) => listFunctions({ skip, limit }, signal),
      pageSize: longestPage / 2,
    },
    '',
  );
  const lastRuns = useLastRuns();
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
    { title: 'Last run', cell: (each) => <LastRun path={functionPath(each)} runs={lastRuns} /> },
    { title: 'Changed', cell: ({ updated }) => <Time at={updated} /> },
  ];
  return (
    <>
      <PageHead
        title="Functions"
        about={pages.count === undefined ? ' ' : `${countText(pages.count)} functions`}
      >
        {may('deploy') && (
          <a class="button primary" href={linkTo(['new-function'])}>
            New function
          </a>
        )}
      </PageHead>
      {pages.error !== undefined && <ErrorNote error={pages.error} onRetry={pages.refresh} />}
      {pages.count === 0 && (
        <Empty title="No functions yet" command="ward action create hello examples/hello.js">
          Write one here, or deploy a file with the command line:
        </Empty>
      )}
      {pages.count !== undefined && pages.count > 0 && (
        <VirtualRows
          caption="Functions"
          layout="functions"
          columns={columns}
          count={pages.count}
          rowAt={pages.rowAt}
          onVisible={pages.onVisible}
        />
      )}
    </>
  );
}

/** The last run of each function that was asked for; null: it has none. */
type LastRuns = (path: string) => RunSummary | null | undefined;

function LastRun({ path, runs }: { readonly path: string; readonly runs: LastRuns }) {
  const run = runs(path);
  if (run === undefined) return <span class="quiet">…</span>;
  if (run === null) return <span class="quiet">none kept</span>;
  return (
    <a class="plain-link" href={linkTo(['runs', run.activationId])}>
      <RunStatus run={run} />
    </a>
  );
}

/** Asks for one after the other, as rows come into view, so that a long list does not flood the API. */
function useLastRuns(): LastRuns {
  const [known, setKnown] = useState<ReadonlyMap<string, RunSummary | null>>(new Map());
  const queue = useRef({ paths: new Set<string>(), asked: new Set<string>(), isBusy: false });
  const work = async (signal: AbortSignal) => {
    const { current } = queue;
    if (current.isBusy) return;
    current.isBusy = true;
    for (const path of current.paths) {
      current.paths.delete(path);
      const found = await listRuns(
        { name: path, failed: false, since: undefined },
        { skip: 0, limit: 1 },
        signal,
      ).catch(() => undefined);
      if (signal.aborted) break;
      setKnown((before) => new Map(before).set(path, found?.[0] ?? null));
    }
    current.isBusy = false;
  };
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);
  useEffect(() => void work(gone.current.signal));
  return (path) => {
    const { paths, asked } = queue.current;
    if (!asked.has(path)) {
      asked.add(path);
      paths.add(path);
    }
    return known.get(path);
  };
}
