/** What the gate knows of one image or code: its verdicts, what to upgrade, its findings. */

import { useState } from 'preact/hooks';
import type { Finding, Report, ShownVerdict } from '../../../../answers/index.ts';
import { ApiError, call } from '../../api/client.ts';
import { PageTabs } from '../../app/page-tabs.tsx';
import type { PageProps } from '../../app/pages.ts';
import { linkTo } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Identifier } from '../../components/copy.tsx';
import { download } from '../../components/download.ts';
import { type Fact, Facts } from '../../components/facts.tsx';
import { TextField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countedText, countText } from '../../components/units.ts';
import { useAction } from '../../components/use-action.ts';
import { useLoad } from '../../components/use-load.ts';
import { gateRoot, OutcomeStatus, packageText, remedyText, Severity, withoutReport } from './gate-words.tsx';
import { Waive } from './waive.tsx';

const notFound = 404;

export function ReportPage({ path: { digest = '' } }: PageProps) {
  const root = `${gateRoot()}/reports/${encodeURIComponent(digest)}`;
  const { isBusy, run } = useAction();
  const loaded = useLoad(async (signal) => {
    const [verdicts, report] = await Promise.all([
      call<readonly ShownVerdict[]>('GET', `${root}/verdict`, { signal }),
      call<Report>('GET', `${root}/report`, { signal }).catch(undefinedIfAbsent),
    ]);
    return { verdicts, report };
  }, root);
  const report = loaded.data?.report;
  const save = (what: 'report' | 'sbom') =>
    run(() => download(`${root}/${what}`, `${what}-${digest.slice(7, 19)}.json`), 'Downloaded.');
  return (
    <>
      <PageHead title={report?.target.name ?? digest}>
        {report !== undefined && (
          <>
            <Button isDisabled={isBusy} onClick={() => save('report')}>
              Download the report
            </Button>
            <Button isDisabled={isBusy} onClick={() => save('sbom')}>
              Download the SBOM
            </Button>
          </>
        )}
      </PageHead>
      <PageTabs of="gate" label="Pages of the gate" />
      <LoadView loaded={loaded}>
        {({ verdicts, report }) => (
          <div class="stack sections">
            <About {...{ digest, report, verdicts }} />
            <Vouchers verdicts={verdicts} />
            <Verdicts verdicts={verdicts} />
            <Upgrades verdicts={verdicts} />
            <Waived verdicts={verdicts} />
            {report !== undefined && <Found report={report} verdicts={verdicts} onChanged={loaded.reload} />}
          </div>
        )}
      </LoadView>
    </>
  );
}

function undefinedIfAbsent(error: unknown): undefined {
  if (error instanceof ApiError && error.status === notFound) return undefined;
  throw error;
}

interface AboutProps {
  readonly digest: string;
  readonly report: Report | undefined;
  readonly verdicts: readonly ShownVerdict[];
}

function About({ digest, report, verdicts }: AboutProps) {
  const known: readonly (Fact | undefined)[] = [
    ['Digest', <Identifier text={digest} what="digest" />],
    hasOnePolicy(verdicts)
      ? ['Policy', <Identifier text={verdicts[0]?.policyRevision ?? ''} what="revision of the policy" />]
      : undefined,
  ];
  if (report === undefined)
    return <Facts facts={[...known, ['Report', 'none: it could not be scanned, or was exempt']]} />;
  const { target, inventory, scannedAt } = report;
  return (
    <Facts
      facts={[
        ...known,
        ['Kind', target.kind],
        inventory.distribution === undefined ? undefined : ['System', inventory.distribution.name],
        ['Packages', countText(inventory.components.length)],
        ['Scanned', <Time at={Date.parse(scannedAt)} />],
      ]}
    />
  );
}

interface ReasonRow {
  readonly verdict: ShownVerdict;
  readonly rule: string;
  readonly text: string;
}

const verdictColumns: readonly Column<ReasonRow>[] = [
  { title: 'Verdict', cell: ({ verdict }) => <OutcomeStatus outcome={verdict.outcome} /> },
  { title: 'Stage', cell: ({ verdict }) => verdict.stage },
  { title: 'Namespace', cell: ({ verdict }) => <span class="breaks">{verdict.namespace}</span> },
  { title: 'Rule', cell: ({ rule }) => rule !== '' && <code class="bounded">{rule}</code> },
  { title: 'Why', cell: ({ text }) => <span class="breaks">{text}</span> },
  { title: 'Judged', cell: ({ verdict }) => <Time at={Date.parse(verdict.judgedAt)} /> },
];
const policyColumn: Column<ReasonRow> = {
  title: 'Policy',
  cell: ({ verdict }) => <code class="bounded">{verdict.policyRevision}</code>,
};

/** So they name it once. */
function hasOnePolicy(verdicts: readonly ShownVerdict[]): boolean {
  return new Set(verdicts.map(({ policyRevision }) => policyRevision)).size === 1;
}

function Verdicts({ verdicts }: { readonly verdicts: readonly ShownVerdict[] }) {
  const rows = verdicts.flatMap((verdict): readonly ReasonRow[] =>
    verdict.reasons.length === 0
      ? [{ verdict, rule: '', text: withoutReport(verdict.summary) }]
      : verdict.reasons.map(({ rule, text }) => ({ verdict, rule, text })),
  );
  return (
    <Section title="Verdicts">
      <Table
        caption="Verdicts"
        columns={hasOnePolicy(verdicts) ? verdictColumns : [...verdictColumns, policyColumn]}
        rows={rows}
        keyOf={({ verdict, rule, text }) => `${verdict.stage} ${verdict.namespace} ${rule} ${text}`}
      />
    </Section>
  );
}

/** Signers of the policy, which differ by namespace and stage. */
function Vouchers({ verdicts }: { readonly verdicts: readonly ShownVerdict[] }) {
  const all = verdicts.flatMap(({ vouchers = { signedBy: [], attested: [] } }) => vouchers);
  const signedBy = new Set(all.flatMap((each) => each.signedBy));
  const attested = new Set(all.flatMap((each) => each.attested));
  if (signedBy.size + attested.size === 0) return null;
  return (
    <Section title="Who vouches for it">
      <Facts
        facts={[
          signedBy.size === 0 ? undefined : ['Signed by', <Names of={signedBy} />],
          attested.size === 0 ? undefined : ['Attested', <Names of={attested} />],
        ]}
      />
    </Section>
  );
}

function Names({ of }: { readonly of: ReadonlySet<string> }) {
  return <span class="breaks">{[...of].join(', ')}</span>;
}

interface UpgradeRow {
  readonly component: string;
  readonly version: string;
  readonly to: string;
}

const upgradeColumns: readonly Column<UpgradeRow>[] = [
  { title: 'Package', cell: ({ component }) => <span class="breaks">{component}</span> },
  { title: 'Has', cell: ({ version }) => <code class="breaks">{version}</code> },
  { title: 'Upgrade to', cell: ({ to }) => <code class="breaks">{to}</code> },
];

function Upgrades({ verdicts }: { readonly verdicts: readonly ShownVerdict[] }) {
  const found = new Map<string, UpgradeRow>();
  for (const { reasons } of verdicts)
    for (const { upgrades } of reasons)
      for (const { component, version, to } of upgrades)
        found.set(`${component} ${version}`, { component, version, to: to[0] ?? 'no fix is known' });
  if (found.size === 0) return null;
  return (
    <Section title="What to upgrade">
      <Table
        caption="What to upgrade"
        columns={upgradeColumns}
        rows={[...found.values()]}
        keyOf={({ component, version }) => `${component} ${version}`}
      />
    </Section>
  );
}

type WaivedRow = ShownVerdict['ignored'][number] & { readonly isOver: boolean };

const waivedColumns: readonly Column<WaivedRow>[] = [
  { title: 'Finding', cell: ({ id }) => <code class="breaks">{id}</code> },
  { title: 'In', cell: ({ where }) => <code class="breaks">{where}</code> },
  { title: 'Reason', cell: ({ reason }) => <span class="breaks">{reason}</span> },
  { title: 'By', cell: ({ by }) => <span class="breaks">{by}</span> },
  {
    title: 'Last day',
    cell: ({ expires, isOver }) =>
      isOver ? <Status tone="idle" text={`over since ${expires}`} /> : <span class="bounded">{expires}</span>,
  },
];

/** What the policy and the waivers let pass, or did until a day that is over. */
function Waived({ verdicts }: { readonly verdicts: readonly ShownVerdict[] }) {
  const rows = new Map<string, WaivedRow>();
  for (const { ignored, expired } of verdicts) {
    for (const each of ignored) rows.set(JSON.stringify(each), { ...each, isOver: false });
    for (const each of expired) rows.set(JSON.stringify(each), { ...each, isOver: true });
  }
  if (rows.size === 0) return null;
  return (
    <Section title="Waived">
      <Table
        caption="Waived"
        columns={waivedColumns}
        rows={[...rows.values()]}
        keyOf={(row) => JSON.stringify(row)}
      />
    </Section>
  );
}

const findingColumns: readonly Column<Finding>[] = [
  {
    title: 'Severity',
    cell: (finding) => (
      <>
        <Severity finding={finding} />
        {finding.knownExploited === true && <div class="quiet">known to be exploited</div>}
      </>
    ),
  },
  {
    title: 'Finding',
    cell: ({ id }) => (
      <a class="mono breaks" href={linkTo(['gate', 'findings'], { text: id })}>
        {id}
      </a>
    ),
  },
  { title: 'Package or place', cell: (finding) => <span class="breaks">{packageText(finding)}</span> },
  { title: 'Title', cell: ({ title }) => <span class="breaks">{title}</span> },
  { title: 'To do', cell: (finding) => <span class="breaks">{remedyText(finding)}</span> },
];

const mostShown = 500;

interface FoundProps {
  readonly report: Report;
  readonly verdicts: readonly ShownVerdict[];
  readonly onChanged: () => void;
}

type Waivable = Pick<Finding, 'id' | 'component' | 'places'>;

function Found({ report: { findings, inventory }, verdicts, onChanged }: FoundProps) {
  const [text, setText] = useState('');
  const [waiving, setWaiving] = useState<Waivable>();
  const button = (finding: Waivable, what: string) => (
    <Button label={`Waive ${what}`} onClick={() => setWaiving(finding)}>
      Waive…
    </Button>
  );
  const isWaived = ({ id, aliases = [] }: Finding) =>
    verdicts.length > 0 &&
    verdicts.every(({ ignored }) => ignored.some((each) => each.id === id || aliases.includes(each.id)));
  const columns: readonly Column<Finding>[] = may('operator')
    ? [
        ...findingColumns,
        {
          title: 'Do',
          cell: (finding) =>
            isWaived(finding) ? <Status tone="idle" text="waived" /> : button(finding, finding.id),
        },
      ]
    : findingColumns;
  const wanted = text.toLowerCase();
  const fitting = findings.filter((finding) =>
    [finding.id, finding.title, packageText(finding), ...(finding.aliases ?? [])].some((each) =>
      each.toLowerCase().includes(wanted),
    ),
  );
  const shown = fitting.slice(0, mostShown);
  return (
    <>
      <Section
        title={countedText(findings.length, 'finding')}
        actions={
          findings.length > 0 && (
            <TextField
              label="Filter the findings"
              isBare
              placeholder="Filter the findings"
              value={text}
              onInput={setText}
            />
          )
        }
      >
        {findings.length === 0 ? (
          <p class="quiet">The scan found nothing.</p>
        ) : (
          <Table
            caption="Findings"
            columns={columns}
            rows={shown}
            keyOf={(finding) => `${findings.indexOf(finding)}`}
          />
        )}
        {fitting.length > shown.length && (
          <p class="quiet">
            {countText(fitting.length - shown.length)} more: filter, or download the report.
          </p>
        )}
      </Section>
      {inventory.gaps.length > 0 && (
        <Section title="Could not be read">
          <Table
            caption="Could not be read"
            columns={[
              { title: 'Path', cell: ({ path }) => <code class="breaks">{path}</code> },
              { title: 'Why', cell: ({ reason }) => <span class="breaks">{reason}</span> },
              ...(may('operator')
                ? [
                    {
                      title: 'Do',
                      cell: ({ path }: { readonly path: string }) =>
                        button({ id: 'gap', places: [{ path }] }, `the unreadable ${path}`),
                    },
                  ]
                : []),
            ]}
            rows={inventory.gaps}
            keyOf={({ path, reason }) => `${path} ${reason}`}
          />
        </Section>
      )}
      {waiving !== undefined && (
        <Waive
          finding={waiving}
          namespaces={[...new Set(verdicts.map(({ namespace }) => namespace))]}
          onClose={() => setWaiving(undefined)}
          onMade={onChanged}
        />
      )}
    </>
  );
}
