/** How long what is kept: of all namespaces for an operator, of its own for a key. */
import type { KeptData, Retention, RetentionOfAll } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { linkTo } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { LoadView } from '../../components/load-view.tsx';
import { Section } from '../../components/section.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { countedText, countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';

const words: ReadonlyMap<string, string> = new Map([
  ['records', 'Records of runs, with results'],
  ['logs', 'Logs of runs'],
  ['inputs', 'Captured inputs'],
  ['dead-letters', 'Dead letters'],
  ['earlier-code', 'Earlier code'],
  ['images', 'Pushed images'],
  ['audit', 'Entries of the audit log'],
  ['violations', 'Violations of sandboxes'],
  ['members', 'Members'],
  ['usage', 'Usage by day'],
  ['egress', 'Targets of functions by day'],
]);
const perWords = { namespace: 'namespace', function: 'function', ward: 'Ward' } as const;

const columns: readonly Column<KeptData>[] = [
  { title: 'What', cell: ({ what }) => <span class="breaks">{words.get(what) ?? what}</span> },
  { title: 'How long', cell: ({ days }) => daysText(days) },
  {
    title: 'How many',
    cell: ({ most, per }) =>
      most === null ? <span class="quiet">any number</span> : `${countText(most)} per ${perWords[per]}`,
  },
  { title: 'Or until', cell: ({ until }) => until && <span class="breaks">{until}</span> },
  {
    title: 'Set by',
    cell: ({ settings }) =>
      settings.length === 0 ? (
        <span class="quiet">fixed</span>
      ) : (
        settings.map((each) => (
          <div key={each}>
            <code class="breaks">{each}</code>
          </div>
        ))
      ),
  },
];

const own: readonly Column<RetentionOfAll['namespaces'][number]>[] = [
  {
    title: 'Namespace',
    cell: ({ namespace }) => (
      <a class="breaks" href={linkTo(['namespaces', namespace])}>
        {namespace}
      </a>
    ),
  },
  {
    title: 'Records, how long',
    cell: ({ days }) => (days === undefined ? <span class="quiet">as for all</span> : daysText(days)),
  },
  {
    title: 'Records, how many',
    cell: ({ most }) =>
      most === undefined ? (
        <span class="quiet">as for all</span>
      ) : most === null ? (
        'any number'
      ) : (
        countText(most)
      ),
  },
];

export function RetentionSection() {
  const path = may('operator') ? '/ward/v1/operator/retention' : '/ward/v1/retention';
  const loaded = useLoad(
    (signal) => call<Retention & Partial<RetentionOfAll>>('GET', path, { signal }),
    path,
  );
  return (
    <Section title="How long it is kept">
      <LoadView loaded={loaded}>
        {({ kept, namespaces = [] }) => (
          <>
            <Table caption="How long it is kept" columns={columns} rows={kept} keyOf={({ what }) => what} />
            {namespaces.length > 0 && (
              <Table
                caption="Namespaces with rules of their own"
                columns={own}
                rows={namespaces}
                keyOf={({ namespace }) => namespace}
              />
            )}
          </>
        )}
      </LoadView>
    </Section>
  );
}

function daysText(days: number | null): string {
  return days === null ? 'at any age' : countedText(days, 'day');
}
