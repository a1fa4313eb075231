/** All runs that Ward has records of: filtered by the address, live, and without their payloads. */
import { useEffect, useState } from 'preact/hooks';
import { selectRuns } from '../api/past-runs.ts';
import {
  annotationOf,
  countRuns,
  functionOf,
  listRuns,
  longestPage,
  type RunFilter,
  type RunSummary,
  recordsStream,
} from '../api/runs.ts';
import { followTogether } from '../api/shared-stream.ts';
import type { PageProps } from '../app/pages.ts';
import { linkTo, setQuery } from '../app/router.ts';
import { currentSession, may } from '../app/session.ts';
import { Button } from '../components/button.tsx';
import { Identifier } from '../components/copy.tsx';
import { Empty } from '../components/empty.tsx';
import { SelectField, TextField } from '../components/fields.tsx';
import { PageHead } from '../components/page-head.tsx';
import { PagedRows } from '../components/paged-rows.tsx';
import { Time } from '../components/time.tsx';
import { countedText, durationText } from '../components/units.ts';
import { usePages } from '../components/use-pages.ts';
import type { VirtualColumn } from '../components/virtual-rows.tsx';
import { CancelCalls } from './cancel-calls.tsx';
import { FilterForm, useTyped } from './filter-form.tsx';
import { PeriodField, sinceOf } from './period-field.tsx';
import { ReplayAll } from './replay-all.tsx';
import { RunStatus } from './run-status.tsx';

const outcomeOptions = [
  { value: '', text: 'Any outcome' },
  { value: 'failed', text: 'Failed' },
];

const callOptions = [
  { value: '', text: 'Calls and firings' },
  { value: 'true', text: 'Only calls' },
];

const startOptions = [
  { value: '', text: 'Any start' },
  ...['cold', 'prewarmed', 'warm'].map((value) => ({ value, text: value })),
];

const columns: readonly VirtualColumn<RunSummary>[] = [
  { title: 'Outcome', cell: (run) => <RunStatus run={run} /> },
  {
    title: 'Function',
    cell: (run) => (
      <a href={linkTo(['runs', run.activationId])} title={functionOf(run)}>
        {functionOf(run)}
      </a>
    ),
  },
  {
    title: 'Run',
    cell: ({ activationId }) => <Identifier text={activationId} what="id of the run" />,
    kind: 'wide',
  },
  { title: 'Sandbox', cell: (run) => <StartKind run={run} />, kind: 'wide' },
  { title: 'Waited', cell: (run) => msText(annotationOf(run, 'waitTime')), kind: 'wide number' },
  { title: 'Duration', cell: ({ duration }) => msText(duration), kind: 'number' },
  { title: 'Started', cell: ({ start }) => <Time at={start} /> },
];

export function Runs({ query }: PageProps) {
  const [open, setOpen] = useState<'replay' | 'cancel'>();
  const close = () => setOpen(undefined);
  const filter = filterOf(query);
  const { name, failed, calls, since, start, fingerprint, took } = filter;
  const key = JSON.stringify([name, failed, calls, start, fingerprint, took, query.get('since')]);
  const isSearch = fingerprint !== '' || took !== '';
  const pages = usePages<RunSummary>(
    {
      count: (signal) => countRuns(filter, signal),
      page: (skip, limit, signal) => listRuns(filter, { skip, limit }, signal),
      pageSize: longestPage / 2,
    },
    key,
  );
  const { refresh, hear } = pages;
  useEffect(
    () =>
      followTogether({
        path: recordsStream,
        onEvent(event) {
          // There is no index for a search: once a second is too often.
          if (event === 'total' && !isSearch) hear();
        },
      }),
    [key],
  );
  const isOfEnded = isSearch || start !== '' || failed;
  const isFiltered = name !== '' || calls || since !== undefined || isOfEnded;
  return (
    <>
      <PageHead title="Runs" about={pages.count === undefined ? ' ' : countedText(pages.count, 'run')}>
        {isSearch && <Button onClick={refresh}>Look again</Button>}
        {may('invoke') && <Button onClick={() => setOpen('replay')}>Run all again…</Button>}
        {may('invoke') && !isOfEnded && <Button onClick={() => setOpen('cancel')}>Cancel calls…</Button>}
      </PageHead>
      <Filters query={query} isFiltered={isFiltered} />
      {isSearch && <Searched fingerprint={fingerprint} took={took} />}
      <PagedRows
        {...{ caption: 'Runs', layout: 'runs', noun: 'run', columns, pages }}
        keyOf={({ activationId }) => activationId}
      >
        {isFiltered ? <NoMatch /> : <NoRuns />}
      </PagedRows>
      {open === 'replay' && (
        <ReplayAll name={name} select={(signal) => selectFitting(filter, signal)} onClose={close} />
      )}
      {open === 'cancel' && <CancelCalls filter={filter} onClose={close} />}
    </>
  );
}

async function selectFitting(filter: RunFilter, signal: AbortSignal) {
  const { total, runs } = await selectRuns(filter, currentSession()?.namespace, signal);
  const calls = total === 0 ? 'No call' : countedText(total, 'call');
  return { about: `${calls} ${total > 1 ? 'fit' : 'fits'} these filters.`, runs };
}

function Filters({ query, isFiltered }: { readonly query: URLSearchParams; readonly isFiltered: boolean }) {
  const given = query.get('name') ?? '';
  const [name, setName] = useTyped(given);
  return (
    <FilterForm onSubmit={() => setQuery({ name: name.trim() })}>
      <TextField label="Function" value={name} onInput={setName} placeholder="name or package/name" />
      <SelectField
        label="Outcome"
        value={query.get('failed') === 'true' ? 'failed' : ''}
        onInput={(value) => setQuery({ failed: value === 'failed' ? 'true' : '' })}
        options={outcomeOptions}
      />
      <SelectField
        label="What"
        value={query.get('calls') === 'true' ? 'true' : ''}
        onInput={(calls) => setQuery({ calls })}
        options={callOptions}
      />
      <SelectField
        label="Sandbox"
        value={query.get('start') ?? ''}
        onInput={(start) => setQuery({ start })}
        options={startOptions}
      />
      <PeriodField label="Started" />
      <Button type="submit">Filter</Button>
      <a class="button" href={linkTo(['errors'], { name: given, since: query.get('since') ?? '' })}>
        By error
      </a>
      <a class="button" href={linkTo(['logs'], { name: given, since: query.get('since') ?? '' })}>
        Search logs
      </a>
      {isFiltered && (
        <Button kind="plain" onClick={() => setQuery(noFilter)}>
          Clear
        </Button>
      )}
    </FilterForm>
  );
}

const noFilter = { name: '', failed: '', calls: '', since: '', start: '', fingerprint: '', took: '' };

/** What a link has searched for, and how far that goes. */
function Searched({ fingerprint, took }: { readonly fingerprint: string; readonly took: string }) {
  return (
    <p class="quiet breaks">
      {fingerprint === '' ? 'Of the newest 10,000 runs' : 'Of the newest 1,000 runs that failed'}, those
      {fingerprint !== '' && (
        <>
          {' '}
          with the error <Identifier text={fingerprint} what="fingerprint of the error" />
        </>
      )}
      {took !== '' && ` that took at least ${/^\d+$/.test(took) ? durationText(Number(took)) : took}`}.
    </p>
  );
}

function NoMatch() {
  return (
    <Empty title="No run fits these filters">
      Filter for less, or wait: this page is live, and new runs appear by themselves.
    </Empty>
  );
}

function NoRuns() {
  return (
    <Empty title="No runs yet" command="ward action invoke hello --param name World --result">
      A run appears here when a function has ended. Start one from a function’s page, or with the command
      line:
    </Empty>
  );
}

function StartKind({ run }: { readonly run: RunSummary }) {
  const start = annotationOf(run, 'start');
  const reason = annotationOf(run, 'startReason');
  if (typeof start !== 'string') return <span class="quiet">none</span>;
  return <span title={typeof reason === 'string' ? reason : undefined}>{start}</span>;
}

function msText(value: unknown): string {
  return typeof value === 'number' ? durationText(value) : '';
}

function filterOf(query: URLSearchParams): Required<Omit<RunFilter, 'upto'>> {
  return {
    ...{ start: query.get('start') ?? '', fingerprint: query.get('fingerprint') ?? '' },
    took: query.get('took') ?? '',
    name: query.get('name') ?? '',
    failed: query.get('failed') === 'true',
    calls: query.get('calls') === 'true',
    since: sinceOf(query.get('since') ?? ''),
  };
}
