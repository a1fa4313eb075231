/** What sandboxes tried and were refused, the last first. They come by themselves. */
import type { ShownViolation, ViolationsPage } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { linkTo } from '../../app/router.ts';
import { mayOpenPagesOf } from '../../app/session.ts';
import { LoadView } from '../../components/load-view.tsx';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { PeriodField, sinceOf } from '../period-field.tsx';
import { QueryField } from '../query-field.tsx';
import { useNews } from '../use-news.ts';

const shown = 50;

const columns: readonly Column<ShownViolation>[] = [
  { title: 'When', cell: ({ at }) => <Time at={at} /> },
  { title: 'What', cell: ({ kind }) => <Status tone="bad" text={kind} /> },
  { title: 'Namespace', cell: ({ namespace }) => <span class="breaks">{namespace}</span> },
  { title: 'Function', cell: ({ action }) => action !== null && <code class="breaks">{action}</code> },
  { title: 'Detail', cell: ({ detail }) => <span class="breaks preserved">{detail}</span> },
  {
    title: 'Run',
    cell: ({ namespace, activationId }) => {
      if (activationId === null) return null;
      if (!mayOpenPagesOf(namespace)) return <span class="mono breaks">{activationId}</span>;
      return (
        <a class="mono breaks" href={linkTo(['runs', activationId])}>
          {activationId}
        </a>
      );
    },
  },
];

export function Violations({ query }: { readonly query: URLSearchParams }) {
  const namespace = query.get('namespace') ?? '';
  const kind = query.get('kind') ?? '';
  const since = sinceOf(query.get('since') ?? '');
  const search = new URLSearchParams({ limit: String(shown), namespace, kind });
  if (since !== undefined) search.set('since', String(since));
  const path = `/ward/v1/operator/violations?${search}`;
  const loaded = useLoad((signal) => call<ViolationsPage>('GET', path, { signal }), path);
  useNews(['violations'], loaded.reload);
  return (
    <Section
      title="Violations"
      actions={
        <div class="row">
          <QueryField name="namespace" label="Only of this namespace" placeholder="Namespace" />
          <QueryField name="kind" label="Only of this kind" placeholder="Kind" />
          <PeriodField label="When" isBare />
        </div>
      }
    >
      <LoadView loaded={loaded}>
        {({ total, violations }) =>
          violations.length === 0 ? (
            <p class="quiet">
              {namespace === '' && kind === '' && since === undefined
                ? 'No sandbox was refused anything.'
                : 'No violation fits.'}
            </p>
          ) : (
            <>
              <Table
                caption="Violations"
                columns={columns}
                rows={violations}
                keyOf={(row) => `${violations.length - violations.indexOf(row)} ${row.at}`}
              />
              {total > violations.length && (
                <p class="quiet">
                  The last {countText(violations.length)} of {countText(total)}. All:{' '}
                  <code>ward sandbox violations</code>
                </p>
              )}
            </>
          )
        }
      </LoadView>
    </Section>
  );
}
