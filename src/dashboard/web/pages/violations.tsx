/** What the sandbox of a run refused. */
import { annotationOf, type RunSummary } from '../api/runs.ts';
import { Status } from '../components/status.tsx';
import { Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';

export interface Violation {
  readonly kind: string;
  readonly detail: string;
  readonly at: number;
}

export function Violations({ run }: { readonly run: RunSummary }) {
  const rows = violationsOf(run);
  if (rows.length === 0) return null;
  return (
    <section class="stack" aria-label="Refused">
      <h2>Refused in the sandbox</h2>
      <Table
        caption="What was refused"
        columns={[
          { title: 'What', cell: ({ kind }) => <Status tone="bad" text={kind} /> },
          { title: 'Detail', cell: ({ detail }) => <span class="mono breaks">{detail}</span> },
          { title: 'When', cell: ({ at }) => <Time at={at} /> },
        ]}
        rows={rows}
        keyOf={({ kind, detail, at }) => `${at} ${kind} ${detail}`}
      />
    </section>
  );
}

export function violationsOf(run: RunSummary): readonly Violation[] {
  const given = annotationOf(run, 'violations');
  return Array.isArray(given) ? given.map(parse) : [];
}

function parse(value: unknown): Violation {
  const field = (name: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  const at = field('at');
  const detail = field('detail');
  return {
    kind: String(field('kind') ?? 'unknown'),
    detail: typeof detail === 'string' ? detail : JSON.stringify(detail ?? ''),
    at: typeof at === 'number' ? at : Date.parse(String(at)),
  };
}
