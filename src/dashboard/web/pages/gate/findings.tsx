/** Searches all reports: which images and code have this CVE, this package, this licence? */

import { useState } from 'preact/hooks';
import type { FoundFinding, FoundPackage, SearchPage } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { PageTabs } from '../../app/page-tabs.tsx';
import type { PageProps } from '../../app/pages.ts';
import { linkTo, setQuery } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { SelectField, TextField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { gateRoot, packageText, remedyText, Severity } from './gate-words.tsx';

export type Row<Hit> = SearchPage<Hit>['found'][number];

/** So many requests, of 100 reports each, are made for one search. */
const mostRounds = 20;
const mostShown = 1000;

/** What was scanned. */
export function inColumn<Hit>(): Column<Row<Hit>> {
  return {
    title: 'In',
    cell: ({ digest, name }) => (
      <a class="breaks" href={linkTo(['gate', 'report', digest])}>
        {name}
      </a>
    ),
  };
}

const findingColumns: readonly Column<Row<FoundFinding>>[] = [
  { title: 'Severity', cell: ({ finding }) => <Severity finding={finding} /> },
  { title: 'Finding', cell: ({ finding }) => <code class="breaks">{finding.id}</code> },
  { title: 'Package', cell: ({ finding }) => <span class="breaks">{packageText(finding)}</span> },
  inColumn(),
  { title: 'Title', cell: ({ finding }) => <span class="breaks">{finding.title}</span> },
  { title: 'To do', cell: ({ finding }) => <span class="breaks">{remedyText(finding)}</span> },
];

const packageColumns: readonly Column<Row<FoundPackage>>[] = [
  {
    title: 'Package',
    cell: ({ component: { ecosystem, name } }) => <span class="breaks">{`${ecosystem} ${name}`}</span>,
  },
  { title: 'Version', cell: ({ component }) => <code class="breaks">{component.version}</code> },
  {
    title: 'Licences',
    cell: ({ component: { licences } }) =>
      licences.length === 0 ? (
        <span class="quiet">not stated</span>
      ) : (
        <span class="breaks">{licences.join(', ')}</span>
      ),
  },
  inColumn(),
];

/** What can be searched for, with the route and its parameter. */
const kinds = [
  { value: '', text: 'Findings', label: 'CVE, package or title', example: 'CVE-2024-3094, openssl, …' },
  { value: 'package', text: 'Packages', label: 'Name of a package', example: 'openssl, lodash, …' },
  { value: 'licence', text: 'Licences', label: 'Licence', example: 'GPL-3.0, AGPL, …' },
] as const;

export function Findings({ query }: PageProps) {
  const text = query.get('text') ?? '';
  const kind = kinds.find(({ value }) => value === query.get('in')) ?? kinds[0];
  const [typed, setTyped] = useState(text);
  return (
    <>
      <PageHead title="Search the reports" about="What all images and code have in them.">
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            setQuery({ text: typed.trim() });
          }}
        >
          <SelectField
            label="What to search for"
            isBare
            value={kind.value}
            onInput={(value) => setQuery({ in: value, text: typed.trim() })}
            options={kinds}
          />
          <TextField label={kind.label} isBare placeholder={kind.example} value={typed} onInput={setTyped} />
          <Button kind="primary" type="submit" isDisabled={typed.trim() === ''}>
            Search
          </Button>
        </form>
      </PageHead>
      <PageTabs of="gate" label="Pages of the gate" />
      {text === '' && (
        <p class="quiet">
          Search for the id of an advisory, the name of a package, a word of a title, or a licence.
        </p>
      )}
      {text !== '' && kind.value === '' && (
        <Found<FoundFinding>
          {...{ path: 'findings', search: { text }, one: 'finding', many: 'findings' }}
          columns={findingColumns}
          keyOf={({ digest, finding }) => `${digest} ${finding.id} ${packageText(finding)} ${finding.title}`}
        />
      )}
      {text !== '' && kind.value !== '' && (
        <Found<FoundPackage>
          {...{ path: 'packages', one: 'package', many: 'packages' }}
          search={kind.value === 'licence' ? { licence: text } : { text }}
          columns={packageColumns}
          keyOf={({ digest, component: { ecosystem, name, version } }) =>
            `${digest} ${ecosystem} ${name} ${version}`
          }
        />
      )}
    </>
  );
}

interface FoundProps<Hit> {
  readonly path: string;
  readonly search: Readonly<Record<string, string>>;
  readonly one: string;
  readonly many: string;
  readonly columns: readonly Column<Row<Hit>>[];
  readonly keyOf: (row: Row<Hit>) => string;
}

/** All that a search of the reports finds. */
export function Found<Hit>({ path, search, one, many, columns, keyOf }: FoundProps<Hit>) {
  const loaded = useLoad(
    (signal) => searchAll<Hit>(path, search, signal),
    `${path} ${JSON.stringify(search)}`,
  );
  return (
    <LoadView loaded={loaded}>
      {({ found, reportsRead, next }) => (
        <div class="stack">
          <p class="quiet" role="status">
            {countText(found.length)} {found.length === 1 ? one : many} in {countText(reportsRead)} reports
            {next === null ? '.' : ', and there are more.'}
          </p>
          {found.length > 0 && <Table caption="Found" columns={columns} rows={found} keyOf={keyOf} />}
        </div>
      )}
    </LoadView>
  );
}

async function searchAll<Hit>(
  path: string,
  search: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<SearchPage<Hit>> {
  const found: Row<Hit>[] = [];
  let reportsRead = 0;
  let next: string | null = '';
  for (let round = 0; round < mostRounds && next !== null && found.length < mostShown; round++) {
    const query = new URLSearchParams({ ...search, ...(next === '' ? {} : { after: next }) });
    const page: SearchPage<Hit> = await call('GET', `${gateRoot()}/${path}?${query}`, { signal });
    found.push(...page.found);
    reportsRead += page.reportsRead;
    next = page.next;
  }
  return { found, reportsRead, next };
}
