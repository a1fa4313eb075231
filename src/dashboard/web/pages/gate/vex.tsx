/** The operator's VEX: statements that a vulnerability does or does not matter, and the findings that they silence. */
import type { ShownStatement, SilencedFinding, Vex } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { PageTabs } from '../../app/page-tabs.tsx';
import type { PageProps } from '../../app/pages.ts';
import { linkTo, setQuery } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { Empty } from '../../components/empty.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { Status, type Tone } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countedText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { Found, inColumn, type Row } from './findings.tsx';

const pageSize = 100;

const statuses: Readonly<Record<ShownStatement['status'], readonly [Tone, string]>> = {
  not_affected: ['good', 'not affected'],
  fixed: ['good', 'fixed'],
  affected: ['bad', 'affected'],
  under_investigation: ['warn', 'under investigation'],
};

const columns: readonly Column<ShownStatement>[] = [
  {
    title: 'Status',
    cell: ({ status }) => {
      const [tone, text] = statuses[status] ?? ['idle', status];
      return <Status tone={tone} text={text} />;
    },
  },
  {
    title: 'Vulnerability',
    cell: ({ ids: [id = '', ...others] }) => (
      <span class="breaks" title={others.join(', ')}>
        <a class="mono" href={linkTo(['gate', 'findings'], { text: id })}>
          {id}
        </a>
      </span>
    ),
  },
  {
    title: 'Products',
    cell: ({ products }) =>
      products.length === 0 ? (
        <Status tone="warn" text="none that Ward can read" />
      ) : (
        <code class="breaks">{products.join(', ')}</code>
      ),
  },
  { title: 'Why', cell: ({ justification }) => <span class="breaks">{justification}</span> },
  { title: 'By', cell: ({ author }) => <span class="breaks">{author}</span> },
  {
    title: 'Said',
    cell: ({ at }) => (at === null ? <span class="quiet">no date</span> : <Time at={at} />),
  },
  { title: 'Document', cell: ({ document }) => <code class="breaks">{document}</code> },
];

const silencedColumns: readonly Column<Row<SilencedFinding>>[] = [
  {
    title: 'Finding',
    cell: ({ finding }) => <code class="breaks">{finding.id}</code>,
  },
  {
    title: 'Package',
    cell: ({ finding }) => <span class="breaks">{finding.package}</span>,
  },
  inColumn(),
  { title: 'Title', cell: ({ finding }) => <span class="breaks">{finding.title}</span> },
  { title: 'Statement', cell: ({ reason }) => <span class="breaks">{reason}</span> },
];

export function VexPage({ query }: PageProps) {
  const skip = Math.max(0, Number.parseInt(query.get('skip') ?? '', 10) || 0);
  const path = `/ward/v1/operator/vex?limit=${pageSize}&skip=${skip}`;
  const loaded = useLoad((signal) => call<Vex>('GET', path, { signal }), path);
  return (
    <>
      <PageHead title="VEX" about="Statements that a vulnerability does or does not matter here.">
        <Button onClick={loaded.reload}>Look again</Button>
      </PageHead>
      <PageTabs of="gate" label="Pages of the gate" />
      <LoadView loaded={loaded}>
        {({ source, total, statements, problem }) => (
          <div class="stack wide">
            {problem !== null && (
              <div class="note bad" role="alert">
                <p>A document can’t be read, so the statements of before count:</p>
                <p class="preserved breaks">{problem}</p>
              </div>
            )}
            {total === 0 ? (
              <Empty title="There are no statements" command="ward vex set DOCUMENT.json">
                Set OpenVEX or CycloneDX documents, as JSON, on a machine with a server.
              </Empty>
            ) : (
              <>
                <p class="quiet">
                  {countedText(total, 'statement')}, the newest first. The newest about a finding counts.{' '}
                  {source === 'database'
                    ? 'All nodes of the database share the documents.'
                    : 'The documents are files of the node that answered.'}
                </p>
                <Table
                  caption="Statements"
                  columns={columns}
                  rows={statements}
                  keyOf={(statement) => JSON.stringify(statement)}
                />
                <div class="row">
                  {skip > 0 && (
                    <Button
                      onClick={() => setQuery({ skip: skip > pageSize ? String(skip - pageSize) : '' })}
                    >
                      Newer
                    </Button>
                  )}
                  {skip + statements.length < total && (
                    <Button onClick={() => setQuery({ skip: String(skip + pageSize) })}>Older</Button>
                  )}
                </div>
                <Section title="What they silence">
                  <Found<SilencedFinding>
                    {...{
                      path: 'vex/silenced',
                      search: {},
                      one: 'silenced finding',
                      many: 'silenced findings',
                    }}
                    columns={silencedColumns}
                    keyOf={({ digest, finding }) =>
                      `${digest} ${finding.id} ${finding.package} ${finding.title}`
                    }
                  />
                </Section>
              </>
            )}
            <p class="quiet">
              Statements that a signer of the policy attested to an image are not listed here. They are read
              when the image is judged, and count for it alone. The page of its report names who attested any.
            </p>
          </div>
        )}
      </LoadView>
    </>
  );
}
