/** What this Ward has on its disk, by what it is for: for operators. */
import type { DiskUse, PartOnDisk } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { Figures } from '../../components/figures.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { Section } from '../../components/section.tsx';
import { Status, type Tone } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText, sizeText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';

const states: Readonly<Record<string, readonly [Tone, string]>> = {
  ample: ['good', 'enough room'],
  short: ['warn', 'short: tenants can’t write'],
  critical: ['bad', 'critical: tenants can’t write or call'],
};

const words: ReadonlyMap<string, string> = new Map([
  ['database', 'Database: entities, records with their logs and inputs, keys'],
  ['code', 'Code of functions'],
  ['images', 'Pushed images'],
  ['evidence', 'Gate: reports, verdicts, audit log'],
  ['advisories', 'Advisories'],
  ['runtime-images', 'Images that functions run in'],
  ['unpacked-images', 'Images that functions run in, unpacked'],
  ['image-builds', 'What builds of images left'],
  ['scan-cache', 'Cache of scanned layers'],
  ['work', 'Temporary files'],
  ['backup', 'A backup or restore under way'],
  ['reserve', 'Room held for a full disk'],
  ['other', 'Everything else'],
]);
/** With a bucket, the folders have copies only. */
const inBucket: ReadonlySet<string> = new Set(['code', 'images', 'advisories']);

export function Disk() {
  const path = '/ward/v1/operator/disk';
  const loaded = useLoad((signal) => call<DiskUse>('GET', path, { signal }), path);
  return (
    <Section title="Disk">
      <LoadView loaded={loaded}>{(use) => <DiskView use={use} />}</LoadView>
    </Section>
  );
}

function DiskView({ use }: { readonly use: DiskUse }) {
  const { at, dataDir, engine, parts, freeBytes, totalBytes, reserveBytes, state } = use;
  const [tone, text] = states[state] ?? ['idle', state];
  const used = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <>
      <Figures
        figures={[
          { name: 'Free for Ward', value: sizeText(freeBytes), about: <Status tone={tone} text={text} /> },
          { name: 'Reserve', value: sizeText(reserveBytes), about: 'kept free for Ward itself' },
          { name: 'Used by Ward', value: sizeText(used), about: `of a disk with ${sizeText(totalBytes)}` },
        ]}
      />
      <Table caption="Disk of this Ward" columns={columnsOf(use)} rows={parts} keyOf={({ what }) => what} />
      <p class="quiet">
        On the node that answers, in <code class="breaks">{dataDir}</code> and the folder of the images, as of{' '}
        <Time at={at} />. Ward’s own log goes to where its output goes.
        {engine === 'postgres' && ' The database is in PostgreSQL, whose own tools show its size.'}
      </p>
    </>
  );
}

function columnsOf({ isInBucket }: DiskUse): readonly Column<PartOnDisk>[] {
  return [
    {
      title: 'What',
      cell: ({ what }) => (
        <span class="breaks">
          {words.get(what) ?? what}
          {isInBucket && inBucket.has(what) && ': copies from the bucket'}
        </span>
      ),
    },
    {
      title: 'On the disk',
      cell: ({ bytes, isWhole }) => (isWhole ? sizeText(bytes) : `at least ${sizeText(bytes)}`),
      isNumber: true,
    },
    { title: 'Files', cell: ({ files }) => countText(files), isNumber: true },
    {
      title: 'Where',
      cell: ({ paths: [first = '', ...more] }) => (
        <code class="breaks">
          {more.length === 0 ? first : `${first} and ${countText(more.length)} more`}
        </code>
      ),
    },
  ];
}
