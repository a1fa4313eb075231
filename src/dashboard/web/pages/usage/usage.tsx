/** What namespaces hold against their quotas, and the disk: of all for an operator, of its own for a key, which sees them live. */

import { useState } from 'preact/hooks';
import type { HeldNamespaces, Limits, Usage as UsageAnswer } from '../../../../answers/index.ts';
import { call, inNamespace } from '../../api/client.ts';
import { serverNow } from '../../api/server-clock.ts';
import { linkTo } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { csvText } from '../../components/csv.ts';
import { saveFile } from '../../components/download.ts';
import { Facts } from '../../components/facts.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { Meter } from '../../components/meter.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { countText, sizeText } from '../../components/units.ts';
import { useLoad, useReload } from '../../components/use-load.ts';
import { useRecords } from '../use-records.ts';
import { UsageDays } from './days.tsx';
import { Disk } from './disk.tsx';
import { RetentionSection } from './retention.tsx';

export function Usage() {
  // Figures of all namespaces and of the disk are too much work for each record.
  return may('operator') ? <UsageView news={0} /> : <LiveUsage />;
}

function LiveUsage() {
  const [news, setNews] = useState(0);
  useRecords(() => setNews((before) => before + 1));
  return <UsageView news={news} />;
}

/** @param news grows when there are new records; 0 at first */
function UsageView({ news }: { readonly news: number }) {
  return (
    <>
      <PageHead title="Data and usage" about="What is kept, and how much more may be." />
      <div class="stack sections">
        {may('operator') && <Disk />}
        {may('operator') && <AllNamespaces />}
        {may('read') && <OwnNamespace news={news} />}
        <RetentionSection />
        <UsageDays news={news} />
      </div>
    </>
  );
}

interface Row {
  readonly name: string;
  readonly quota: UsageAnswer;
}

const columns: readonly Column<Row>[] = [
  {
    title: 'Namespace',
    cell: ({ name }) => (
      <a class="breaks" href={linkTo(['namespaces', name])}>
        {name}
      </a>
    ),
  },
  { title: 'Code', cell: ({ quota: { code } }) => <Meter {...code} /> },
  {
    title: 'Records',
    cell: ({ quota: { records } }) => <Meter used={records.used} limit={records.limit} />,
  },
  { title: 'Runs', cell: ({ quota: { records } }) => countText(records.count), isNumber: true },
  { title: 'Images', cell: ({ quota: { registry } }) => <Meter {...registry} /> },
];

function AllNamespaces() {
  const path = '/ward/v1/operator/namespaces?limit=0';
  const loaded = useLoad((signal) => call<HeldNamespaces>('GET', path, { signal }), path);
  return (
    <LoadView loaded={loaded}>
      {({ namespaces }) => (
        <Section
          title="Namespaces"
          actions={<Button onClick={() => save(namespaces)}>Download as CSV</Button>}
        >
          <p class="quiet">They hold {sizeText(namespaces.reduce(heldBytes, 0))} of their quotas.</p>
          <Table caption="Namespaces" columns={columns} rows={namespaces} keyOf={({ name }) => name} />
        </Section>
      )}
    </LoadView>
  );
}

function heldBytes(sum: number, { quota: { code, records, registry } }: Row): number {
  return sum + code.used + records.used + registry.used;
}

function save(rows: readonly Row[]): void {
  const head = [
    'namespace',
    'code bytes',
    'code quota',
    'record bytes',
    'record quota',
    'records',
    'image bytes',
    'image quota',
  ];
  const lines = rows.map(({ name, quota: { code, records, registry } }) => [
    ...[
      name,
      code.used,
      code.limit,
      records.used,
      records.limit,
      records.count,
      registry.used,
      registry.limit,
    ],
  ]);
  const day = new Date(serverNow()).toISOString().slice(0, 10);
  saveFile(new Blob([csvText([head, ...lines])], { type: 'text/csv' }), `ward-usage-${day}.csv`);
}

async function loadOwn(signal: AbortSignal) {
  const [usage, limits] = await Promise.all([
    call<UsageAnswer>('GET', inNamespace('/ward/v1', 'usage'), { signal }),
    call<Limits>('GET', inNamespace('/api/v1', 'limits'), { signal }),
  ]);
  return { usage, limits };
}

function OwnNamespace({ news }: { readonly news: number }) {
  const loaded = useLoad(loadOwn, '');
  useReload(loaded, news);
  return (
    <Section title="Your namespace">
      <LoadView loaded={loaded}>
        {({ usage: { code, records, registry }, limits }) => (
          <Facts
            facts={[
              ['Code', <Meter {...code} />],
              ['Records', <Meter used={records.used} limit={records.limit} />],
              ['Runs kept', countText(records.count)],
              ['Images', <Meter {...registry} />],
              limitFact('Calls a minute', limits['invocationsPerMinute']),
              limitFact('Calls at once', limits['concurrentInvocations']),
              limitFact('Firings a minute', limits['firesPerMinute']),
            ]}
          />
        )}
      </LoadView>
    </Section>
  );
}

function limitFact(name: string, value: unknown) {
  return typeof value === 'number' ? ([name, countText(value)] as const) : undefined;
}
