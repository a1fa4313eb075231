/** The advisories that scans go by: how old, and from where. For operators. */
import type { Advisories, AdvisorySource } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { PageTabs } from '../../app/page-tabs.tsx';
import { Empty } from '../../components/empty.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { ageText, countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';

const columnsOf = (failed: readonly string[]): readonly Column<AdvisorySource>[] => [
  { title: 'Source', cell: ({ source }) => <span class="breaks">{source}</span> },
  {
    title: 'Last update',
    cell: ({ source }) =>
      failed.includes(source) ? (
        <Status tone="bad" text="failed" />
      ) : (
        <span class="quiet">no failure known</span>
      ),
  },
  { title: 'Advisories', cell: ({ records }) => countText(records), isNumber: true },
  {
    title: 'Newest',
    cell: ({ newest }) =>
      newest === undefined ? <span class="quiet">not told</span> : <Time at={Date.parse(newest)} />,
  },
  { title: 'Checked', cell: ({ checkedAt }) => <Time at={Date.parse(checkedAt)} /> },
  { title: 'Imported', cell: ({ importedAt }) => <Time at={Date.parse(importedAt)} /> },
  { title: 'Unreadable', cell: ({ bad }) => countText(bad), isNumber: true },
  { title: 'Licence', cell: ({ licence }) => <span class="breaks">{licence}</span> },
  { title: 'From', cell: ({ url }) => <span class="breaks mono">{url}</span> },
];

export function AdvisoriesPage() {
  const path = '/ward/v1/operator/advisories';
  const loaded = useLoad((signal) => call<Advisories>('GET', path, { signal }), path);
  return (
    <>
      <PageHead title="Advisories" about={<About found={loaded.data} />} />
      <PageTabs of="gate" label="Pages of the gate" />
      <LoadView loaded={loaded}>
        {({ sources, failed, warning }) => (
          <div class="stack wide">
            {warning !== undefined && <p class="note warn breaks">{warning}</p>}
            {sources.length === 0 ? (
              <Empty title="There are no advisories" command="ward advisories update">
                Without them, scans find no vulnerabilities. On the server’s machine:
              </Empty>
            ) : (
              <Table
                caption="Sources of advisories"
                columns={columnsOf(failed)}
                rows={sources}
                keyOf={({ source }) => source}
              />
            )}
          </div>
        )}
      </LoadView>
    </>
  );
}

function About({ found }: { readonly found: Advisories | undefined }) {
  if (found === undefined) return <> </>;
  const { count, ageSeconds } = found;
  const age = ageSeconds === undefined ? '' : `, the newest of them ${ageText(ageSeconds * 1000)} old`;
  return <>{`${countText(count)} of them${age}.`}</>;
}
