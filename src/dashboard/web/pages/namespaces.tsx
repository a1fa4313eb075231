/** All namespaces of this Ward, for its operators. Creates one. */

import { useState } from 'preact/hooks';
import type { NamespaceRow, NamespacesPage } from '../../../answers/index.ts';
import { call } from '../api/client.ts';
import type { PageProps } from '../app/pages.ts';
import { linkTo } from '../app/router.ts';
import { Button } from '../components/button.tsx';
import { LoadView } from '../components/load-view.tsx';
import { PageHead } from '../components/page-head.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { countText, sizeText } from '../components/units.ts';
import { useLoad } from '../components/use-load.ts';
import { NewNamespace } from './admin/new-namespace.tsx';
import { QueryField } from './query-field.tsx';

const columns: readonly Column<NamespaceRow>[] = [
  {
    title: 'Name',
    cell: ({ name }) => (
      <a class="breaks" href={linkTo(['namespaces', name])}>
        {name}
      </a>
    ),
  },
  { title: 'Keys', cell: ({ keys }) => countText(keys), isNumber: true },
  { title: 'Functions', cell: ({ actions }) => countText(actions), isNumber: true },
  { title: 'Runs kept', cell: ({ records }) => countText(records), isNumber: true },
  { title: 'Code', cell: (row) => sizeText(row.entityBytes + row.codeBytes), isNumber: true },
  { title: 'Records', cell: ({ recordBytes }) => sizeText(recordBytes), isNumber: true },
  {
    title: 'Last used',
    cell: ({ lastUsedAt }) =>
      lastUsedAt === null ? <span class="quiet">never</span> : <Time at={lastUsedAt} />,
  },
  { title: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function Namespaces({ query }: PageProps) {
  const [isOpen, setOpen] = useState(false);
  const loaded = useLoad(
    (signal) => call<NamespacesPage>('GET', '/ward/v1/operator/namespaces?limit=0', { signal }),
    '',
  );
  const total = loaded.data?.total;
  const wanted = query.get('name') ?? '';
  return (
    <>
      <PageHead title="Namespaces" about={total === undefined ? undefined : `${countText(total)} in all.`}>
        <QueryField name="name" label="Filter by name" />
        <Button kind="primary" onClick={() => setOpen(true)}>
          New namespace…
        </Button>
      </PageHead>
      <LoadView loaded={loaded}>
        {({ namespaces }) => {
          const rows = namespaces.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
          return rows.length === 0 ? (
            <p class="quiet">No namespace has this in its name.</p>
          ) : (
            <Table caption="Namespaces" columns={columns} rows={rows} keyOf={({ name }) => name} />
          );
        }}
      </LoadView>
      {isOpen && <NewNamespace onClose={() => setOpen(false)} onMade={loaded.reload} />}
    </>
  );
}
