/** Who talks to whom: what functions reached over the network, and what was refused to them, by function and target. */
import type { EgressTarget } from '../../../../answers/index.ts';
import { readTargets } from '../../api/egress.ts';
import { serverNow } from '../../api/server-clock.ts';
import type { PageProps } from '../../app/pages.ts';
import { linkTo, setQuery } from '../../app/router.ts';
import { may, mayOpenPagesOf } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Empty } from '../../components/empty.tsx';
import { SelectField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countedText, countText, sizeText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { QueryField } from '../query-field.tsx';
import { Target } from './target.tsx';

const dayMs = 86_400_000;
const usualDays = '7';
const periods = [
  { value: '1', text: 'Today' },
  { value: usualDays, text: 'Last 7 days' },
  { value: '30', text: 'Last 30 days' },
  { value: '90', text: 'Last 90 days' },
];
const outcomes = [
  { value: '', text: 'Reached and refused' },
  { value: 'true', text: 'Refused' },
  { value: 'false', text: 'Reached' },
];

/** A row knows the one above it, so that the function of several rows is shown once. */
type Row = EgressTarget & { readonly isFirst: boolean };

export function Egress({ query }: PageProps) {
  const isOfAll = may('operator');
  const filter = filterOf(query, isOfAll);
  const path = isOfAll ? '/ward/v1/operator/egress' : '/ward/v1/egress';
  const loaded = useLoad((signal) => readTargets(path, filter, signal), JSON.stringify([path, filter]));
  const isFiltered = ['namespace', 'action', 'target', 'refused'].some((name) => query.get(name));
  return (
    <>
      <PageHead
        title="Egress"
        about="What functions reached over the network, and what was refused to them. Days are UTC."
      >
        {isOfAll && <QueryField name="namespace" label="Namespace" />}
        <QueryField name="action" label="Function" />
        <QueryField name="target" label="Part of a name or address" placeholder="Name or address" />
        <SelectField
          label="Outcome"
          isBare
          value={query.get('refused') ?? ''}
          onInput={(refused) => setQuery({ refused })}
          options={outcomes}
        />
        <SelectField
          label="Days"
          isBare
          value={query.get('days') ?? usualDays}
          onInput={(days) => setQuery({ days: days === usualDays ? '' : days })}
          options={periods}
        />
        <Button onClick={loaded.reload}>Look again</Button>
      </PageHead>
      <LoadView loaded={loaded}>
        {({ targets, next }) =>
          targets.length === 0 && !isFiltered ? (
            <Empty
              title="No function used the network"
              command="ward action update hello --egress api.example.com"
            >
              A function reaches what its rules name, and nothing else. Give one a way out:
            </Empty>
          ) : (
            <div class="stack">
              {targets.length > 0 && (
                <Table
                  caption="Egress"
                  columns={isOfAll ? [namespaceColumn, ...columns] : columns}
                  rows={rowsOf(targets)}
                  keyOf={keyOf}
                />
              )}
              <p class="quiet" role="status">
                {targets.length === 0 ? 'Nothing fits' : countedText(targets.length, 'target')}
                {next === null ? '.' : ', and there may be more: '}
                {next !== null && <code>ward egress list{isOfAll && ' --all'}</code>}
              </p>
            </div>
          )
        }
      </LoadView>
    </>
  );
}

function filterOf(query: URLSearchParams, isOfAll: boolean): Readonly<Record<string, string>> {
  const days = Number(periods.find(({ value }) => value === query.get('days'))?.value ?? usualDays);
  const until = Math.floor(serverNow() / dayMs);
  const filter: Record<string, string> = { since: dateOf(until - days + 1), until: dateOf(until) };
  for (const name of ['action', 'target', 'refused', ...(isOfAll ? ['namespace'] : [])]) {
    const value = query.get(name)?.trim();
    if (value) filter[name] = value;
  }
  return filter;
}

function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

function rowsOf(targets: readonly EgressTarget[]): readonly Row[] {
  return targets.map((row, at) => {
    const above = targets[at - 1];
    return { ...row, isFirst: above?.namespace !== row.namespace || above.action !== row.action };
  });
}

function keyOf({ namespace, action, protocol, target, port, refusal }: Row): string {
  return JSON.stringify([namespace, action, protocol, target, port, refusal]);
}

const namespaceColumn: Column<Row> = {
  title: 'Namespace',
  cell: ({ namespace, isFirst }) => <span class={isFirst ? 'breaks' : 'unseen'}>{namespace}</span>,
};

const columns: readonly Column<Row>[] = [
  {
    title: 'Function',
    cell: (row) => {
      const { action, isFirst } = row;
      if (!isFirst) return <span class="unseen">{action ?? 'others'}</span>;
      if (action === null) return <span class="quiet">others</span>;
      if (!mayOpenPagesOf(row.namespace)) return <span class="breaks">{action}</span>;
      return (
        <a class="breaks" href={linkTo(['functions', ...action.split('/')])}>
          {action}
        </a>
      );
    },
  },
  {
    title: 'Target',
    cell: ({ protocol, target, port }) =>
      target === null ? (
        <span class="quiet">not told apart</span>
      ) : (
        <Target {...{ protocol, target, port }} />
      ),
  },
  {
    title: 'Outcome',
    cell: ({ refusal }) =>
      refusal === null ? (
        <Status tone="good" text="reached" />
      ) : (
        <span class="breaks">
          <Status tone="bad" text="refused" /> {refusal}
        </span>
      ),
  },
  {
    title: 'Calls',
    cell: (row) =>
      row.action === null || !mayOpenPagesOf(row.namespace) ? (
        countText(row.calls)
      ) : (
        <a href={linkTo(['runs'], { name: row.action })}>{countText(row.calls)}</a>
      ),
    isNumber: true,
  },
  { title: 'Times', cell: ({ attempts }) => countText(attempts), isNumber: true },
  {
    title: 'Sent',
    cell: ({ sentBytes, refusal }) => (refusal === null ? sizeText(sentBytes) : ''),
    isNumber: true,
  },
  {
    title: 'Received',
    cell: ({ receivedBytes, refusal }) => (refusal === null ? sizeText(receivedBytes) : ''),
    isNumber: true,
  },
  {
    title: 'Last',
    cell: (row) =>
      mayOpenPagesOf(row.namespace) ? (
        <a href={linkTo(['runs', row.lastActivationId])}>
          <Time at={row.lastAt} />
        </a>
      ) : (
        <Time at={row.lastAt} />
      ),
  },
];
