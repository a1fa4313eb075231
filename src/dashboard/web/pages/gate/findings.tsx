/** Searches all reports: which images and code have this CVE or this package? */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { FindingPage } from '../../api/gate-types.ts';
import type { PageProps } from '../../app/pages.ts';
import { linkTo, setQuery } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { gateRoot, packageText, remedyText, Severity } from './gate-words.tsx';

type Row = FindingPage['found'][number];

/** So many requests, of 100 reports each, are made for one search. */
const mostRounds = 20;

const columns: readonly Column<Row>[] = [
  { title: 'Severity', cell: ({ finding }) => <Severity finding={finding} /> },
  { title: 'Finding', cell: ({ finding }) => <code class="breaks">{finding.id}</code> },
  { title: 'Package', cell: ({ finding }) => <span class="breaks">{packageText(finding)}</span> },
  {
    title: 'In',
    cell: ({ digest, name }) => (
      <a class="breaks" href={linkTo(['gate', 'report', digest])}>
        {name}
      </a>
    ),
  },
  { title: 'Title', cell: ({ finding }) => <span class="breaks">{finding.title}</span> },
  { title: 'To do', cell: ({ finding }) => <span class="breaks">{remedyText(finding)}</span> },
];

export function Findings({ query }: PageProps) {
  const text = query.get('text') ?? '';
  const [typed, setTyped] = useState(text);
  return (
    <>
      <PageHead
        title="Findings"
        about={
          <>
            <a href={linkTo(['gate'])}>Gate</a>: the findings of all reports, by CVE, package or title.
          </>
        }
      >
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            setQuery({ text: typed.trim() });
          }}
        >
          <TextField
            label="CVE, package or title"
            isBare
            placeholder="CVE-2024-3094, openssl, …"
            value={typed}
            onInput={setTyped}
          />
          <Button kind="primary" type="submit" isDisabled={typed.trim() === ''}>
            Search
          </Button>
        </form>
      </PageHead>
      {text === '' ? (
        <p class="quiet">Search for the id of an advisory, the name of a package, or a word of a title.</p>
      ) : (
        <Found text={text} />
      )}
    </>
  );
}

function Found({ text }: { readonly text: string }) {
  const loaded = useLoad((signal) => searchAll(text, signal), text);
  return (
    <LoadView loaded={loaded}>
      {({ found, reportsRead, next }) => (
        <div class="stack">
          <p class="quiet" role="status">
            {countText(found.length)} {found.length === 1 ? 'finding' : 'findings'} in{' '}
            {countText(reportsRead)} reports
            {next === null ? '.' : ', and there are more: search for more of the name.'}
          </p>
          {found.length > 0 && (
            <Table
              caption="Findings"
              columns={columns}
              rows={found}
              keyOf={({ digest, finding }) =>
                `${digest} ${finding.id} ${packageText(finding)} ${finding.title}`
              }
            />
          )}
        </div>
      )}
    </LoadView>
  );
}

const mostShown = 1000;

async function searchAll(text: string, signal: AbortSignal): Promise<FindingPage> {
  const found: Row[] = [];
  let reportsRead = 0;
  let next: string | null = '';
  for (let round = 0; round < mostRounds && next !== null && found.length < mostShown; round++) {
    const query = new URLSearchParams({ text, ...(next === '' ? {} : { after: next }) });
    const page: FindingPage = await call<FindingPage>('GET', `${gateRoot()}/findings?${query}`, { signal });
    found.push(...page.found);
    reportsRead += page.reportsRead;
    next = page.next;
  }
  return { found, reportsRead, next };
}
