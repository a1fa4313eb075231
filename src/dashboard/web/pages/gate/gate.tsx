/** All verdicts of the gate: what it allowed and denied, where, and by which rule. */
import type { VerdictRow } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { PageTabs } from '../../app/page-tabs.tsx';
import type { PageProps } from '../../app/pages.ts';
import { linkTo, setQuery } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Empty } from '../../components/empty.tsx';
import { SelectField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { QueryField } from '../query-field.tsx';
import { gateRoot, nothingJudged, OutcomeStatus } from './gate-words.tsx';

const pageSize = 100;

const outcomes = [
  { value: '', text: 'Any verdict' },
  { value: 'deny', text: 'Denied' },
  { value: 'warn', text: 'Allowed with warnings' },
  { value: 'allow', text: 'Allowed' },
];
const stages = [
  { value: '', text: 'Any stage' },
  { value: 'push', text: 'At push' },
  { value: 'deploy', text: 'At deployment' },
  { value: 'run', text: 'At each run' },
];

const columns: readonly Column<VerdictRow>[] = [
  { title: 'Verdict', cell: ({ outcome }) => <OutcomeStatus outcome={outcome} /> },
  {
    title: 'What',
    cell: ({ digest, name, kind = 'content' }) => (
      <span class="breaks">
        <a href={linkTo(['gate', 'report', digest])}>{name ?? digest}</a> <span class="quiet">{kind}</span>
      </span>
    ),
  },
  { title: 'Stage', cell: ({ stage }) => stage },
  {
    title: 'Rule that decided',
    cell: ({ rules: [first] }) =>
      first !== undefined && (
        <span class="breaks">
          <code>{first.rule}</code> {first.text}
        </span>
      ),
  },
  {
    title: 'Critical, high',
    cell: ({ counts }) => `${countText(counts.critical)}, ${countText(counts.high)}`,
    isNumber: true,
  },
  { title: 'Judged', cell: ({ judgedAt }) => <Time at={Date.parse(judgedAt)} /> },
];
const namespaceColumn: Column<VerdictRow> = {
  title: 'Namespace',
  cell: ({ namespace }) => <span class="bounded">{namespace}</span>,
};

export function Gate({ query }: PageProps) {
  const value = (name: string) => query.get(name) ?? '';
  const skip = Math.max(0, Number.parseInt(value('skip'), 10) || 0);
  const filter = { outcome: value('outcome'), stage: value('stage'), name: value('name') };
  const search = new URLSearchParams({ ...filter, limit: String(pageSize), skip: String(skip) });
  const path = `${gateRoot()}/verdicts?${search}`;
  const loaded = useLoad((signal) => call<readonly VerdictRow[]>('GET', path, { signal }), path);
  const isFiltered = Object.values(filter).some((each) => each !== '');
  const change = (name: string) => (text: string) => setQuery({ [name]: text, skip: '' });
  return (
    <>
      <PageHead title="Gate" about="What may be pushed, deployed and run.">
        <QueryField name="name" label="Name or digest" clears={['skip']} />
        <SelectField
          label="Verdict"
          isBare
          value={filter.outcome}
          onInput={change('outcome')}
          options={outcomes}
        />
        <SelectField label="Stage" isBare value={filter.stage} onInput={change('stage')} options={stages} />
      </PageHead>
      <PageTabs of="gate" label="Pages of the gate" />
      <LoadView loaded={loaded}>
        {(rows) => (
          <div class="stack">
            <Rows rows={rows} isFiltered={isFiltered} />
            <div class="row">
              {skip > 0 && (
                <Button onClick={() => setQuery({ skip: skip > pageSize ? String(skip - pageSize) : '' })}>
                  Newer
                </Button>
              )}
              {rows.length === pageSize && (
                <Button onClick={() => setQuery({ skip: String(skip + pageSize) })}>Older</Button>
              )}
            </div>
          </div>
        )}
      </LoadView>
    </>
  );
}

function Rows({ rows, isFiltered }: { readonly rows: readonly VerdictRow[]; readonly isFiltered: boolean }) {
  if (rows.length === 0)
    return isFiltered ? (
      <p class="quiet">No verdict fits.</p>
    ) : (
      <Empty title="Nothing was judged yet" command={nothingJudged}>
        The gate judges what is pushed and deployed. To see before what it would find:
      </Empty>
    );
  const shown = may('operator') ? [...columns.slice(0, 3), namespaceColumn, ...columns.slice(3)] : columns;
  return (
    <Table
      caption="Verdicts"
      columns={shown}
      rows={rows}
      keyOf={({ digest, stage, namespace }) => `${digest} ${stage} ${namespace}`}
    />
  );
}
