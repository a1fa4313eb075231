/** How the namespace does now, and for operators all of this Ward: each figure leads to what is behind it. */
import { useState } from 'preact/hooks';
import type { Usage } from '../../../answers/index.ts';
import { call, inNamespace } from '../api/client.ts';
import { countFunctions } from '../api/functions.ts';
import { durationsOf, hourMs, quantile } from '../api/hours.ts';
import { annotationOf, countRuns, isFiring, listRuns, type RunSummary } from '../api/runs.ts';
import { serverNow } from '../api/server-clock.ts';
import { linkTo } from '../app/router.ts';
import { currentSession, may } from '../app/session.ts';
import { Empty } from '../components/empty.tsx';
import { type Figure, Figures } from '../components/figures.tsx';
import { LoadView } from '../components/load-view.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Section } from '../components/section.tsx';
import { Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { countedText, countText, durationText, shareText, sizeText } from '../components/units.ts';
import { useLoad, useReload } from '../components/use-load.ts';
import { OperatorOverview } from './operator-overview.tsx';
import { RunStatus } from './run-status.tsx';
import { useNews } from './use-news.ts';
import { useRecords } from './use-records.ts';

const mostFailures = 10;
/** Whose durations count: their records are most of what the page loads. */
const mostLatest = 100;

interface Overview {
  readonly functions: number;
  readonly runs: number;
  readonly failed: number;
  /** Of the last hour, the newest first. */
  readonly latest: readonly RunSummary[];
  readonly failures: readonly RunSummary[];
  readonly usage: Usage;
}

export function OverviewPage() {
  return (
    <>
      <PageHead title="Overview" />
      <div class="stack sections">{may('operator') ? <OverviewOfOperator /> : <OverviewOfKey />}</div>
    </>
  );
}

function OverviewOfKey() {
  const [news, setNews] = useState(0);
  useRecords(() => setNews((before) => before + 1));
  return <NamespaceOverview news={news} />;
}

/** The operator's stream tells of the namespace, too: a browser opens few connections, for all of its tabs together. */
function OverviewOfOperator() {
  const [news, setNews] = useState({ records: 0, calls: 0, ward: 0 });
  const namespace = may('read') ? (currentSession()?.namespace ?? undefined) : undefined;
  useNews(
    ['records', 'calls', 'nodes', 'violations'],
    (event) =>
      setNews(({ records, calls, ward }) => ({
        records: records + (event === 'records' || event === 'begin' ? 1 : 0),
        calls: calls + (event === 'calls' || event === 'begin' ? 1 : 0),
        ward: ward + (event === 'records' || event === 'calls' ? 0 : 1),
      })),
    namespace,
  );
  return (
    <>
      {namespace !== undefined && <NamespaceOverview news={news.records} />}
      <OperatorOverview news={news} />
    </>
  );
}

/** @param news changes when there are new records */
function NamespaceOverview({ news }: { readonly news: number }) {
  const loaded = useLoad(loadOverview, '');
  useReload(loaded, news);
  return (
    <Section title={`The namespace ${currentSession()?.namespace} in the last hour`}>
      <LoadView loaded={loaded}>{(overview) => <OverviewView overview={overview} />}</LoadView>
    </Section>
  );
}

function OverviewView({ overview }: { readonly overview: Overview }) {
  const { functions, failures, usage } = overview;
  if (functions === 0 && usage.records.count === 0)
    return (
      <Empty title="Nothing runs here yet" command="ward action create hello examples/hello.js">
        Write a function in the editor, or deploy a file with the command line. Its calls show up here.
      </Empty>
    );
  return (
    <div class="stack wide">
      <Figures figures={figuresOf(overview)} />
      <div class="stack">
        <div class="section-head">
          <h3>Latest failures</h3>
          <a href={linkTo(['errors'], { since: 'hour' })}>By error</a>
        </div>
        {failures.length === 0 ? (
          <p class="quiet">No run failed in the last hour.</p>
        ) : (
          <Table
            caption="Latest failures"
            columns={[
              { title: 'Outcome', cell: (run) => <RunStatus run={run} /> },
              {
                title: 'Function',
                cell: (run) => (
                  <a class="breaks" href={linkTo(['runs', run.activationId])}>
                    {run.name}
                  </a>
                ),
              },
              { title: 'Duration', cell: ({ duration = 0 }) => durationText(duration), isNumber: true },
              { title: 'Started', cell: ({ start }) => <Time at={start} /> },
            ]}
            rows={failures}
            keyOf={({ activationId }) => activationId}
          />
        )}
      </div>
    </div>
  );
}

function figuresOf({ functions, runs, failed, latest, usage }: Overview): readonly Figure[] {
  const calls = latest.filter((run) => !isFiring(run));
  const durations = durationsOf(calls);
  const p99 = quantile(durations, 0.99);
  const cold = calls.filter((run) => annotationOf(run, 'start') === 'cold').length;
  const isCut = latest.length < runs;
  const ofLatest = isCut ? `of the last ${countedText(calls.length, 'call')}` : '';
  // Where the latest ones begin, so that the list has these and not those before.
  const since = (isCut && latest.at(-1)?.start.toString()) || 'hour';
  const toUsage = linkTo(['usage']);
  return [
    {
      name: 'Runs',
      value: countText(runs),
      about: `${(runs / 3600).toFixed(2)} a second`,
      link: linkTo(['runs'], { since: 'hour' }),
    },
    {
      name: 'Failed',
      value: countText(failed),
      about: shareText(failed, runs),
      link: linkTo(['runs'], { since: 'hour', failed: 'true' }),
    },
    {
      name: 'Duration, p50',
      value: durationText(quantile(durations, 0.5)),
      about: ofLatest,
      link: linkTo(['runs'], { since, calls: 'true' }),
    },
    {
      name: 'Duration, p99',
      value: durationText(p99),
      about: ofLatest,
      link: linkTo(['runs'], { since, calls: 'true', took: String(p99) }),
    },
    {
      name: 'Cold starts',
      value: shareText(cold, calls.length),
      about: ofLatest,
      link: linkTo(['runs'], { since, start: 'cold' }),
    },
    { name: 'Functions', value: countText(functions), link: linkTo(['functions']) },
    {
      name: 'Code',
      value: sizeText(usage.code.used),
      about: `of ${sizeText(usage.code.limit)}`,
      link: toUsage,
    },
    {
      name: 'Records',
      value: sizeText(usage.records.used),
      about: `of ${sizeText(usage.records.limit)}`,
      link: toUsage,
    },
    { name: 'Runs kept', value: countText(usage.records.count), link: linkTo(['runs']) },
  ];
}

async function loadOverview(signal: AbortSignal): Promise<Overview> {
  const since = serverNow() - hourMs;
  const recent = { name: '', failed: false, since };
  const failing = { ...recent, failed: true };
  const [functions, runs, failed, latest, failures, usage] = await Promise.all([
    countFunctions('', signal),
    countRuns(recent, signal),
    countRuns(failing, signal),
    listRuns(recent, { skip: 0, limit: mostLatest }, signal),
    listRuns(failing, { skip: 0, limit: mostFailures }, signal),
    call<Usage>('GET', inNamespace('/ward/v1', 'usage'), { signal }),
  ]);
  return { functions, runs, failed, latest, failures, usage };
}
