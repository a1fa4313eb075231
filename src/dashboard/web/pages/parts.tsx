/** The runs that a sequence or a composition was made of. OpenWhisk has their ids in its log. */
import { ApiError } from '../api/client.ts';
import { annotationOf, functionOf, getRun, type RunRecord } from '../api/runs.ts';
import { linkTo } from '../app/router.ts';
import { LoadView } from '../components/load-view.tsx';
import { type Column, Table } from '../components/table.tsx';
import { countText, durationText } from '../components/units.ts';
import { useLoad } from '../components/use-load.ts';
import { RunStatus } from './run-status.tsx';

interface Part {
  readonly id: string;
  /** Undefined: it has no record, or none any more. */
  readonly run: RunRecord | undefined;
}

/** Each is a request. */
const mostShown = 20;
const idForm = /^[0-9a-f]{32}$/;

const columns: readonly Column<Part>[] = [
  {
    title: 'Function',
    cell: ({ id, run }) =>
      run === undefined ? (
        <code class="breaks">{id}</code>
      ) : (
        <a class="breaks" href={linkTo(['runs', id])}>
          {functionOf(run)}
        </a>
      ),
  },
  {
    title: 'Outcome',
    cell: ({ run }) => (run === undefined ? <span class="quiet">no record</span> : <RunStatus run={run} />),
  },
  {
    title: 'Duration',
    cell: ({ run }) => (run?.duration === undefined ? '' : durationText(run.duration)),
    isNumber: true,
  },
];

/** The ids of its parts, in the order in which they were called. */
export function partsOf(run: RunRecord): readonly string[] {
  if (annotationOf(run, 'kind') !== 'sequence') return [];
  return (run.logs ?? []).filter((line): line is string => typeof line === 'string' && idForm.test(line));
}

export function Parts({ ids }: { readonly ids: readonly string[] }) {
  const shown = ids.slice(0, mostShown);
  const load = (signal: AbortSignal) => Promise.all(shown.map((each) => partOf(each, signal)));
  const loaded = useLoad(load, shown.join());
  return (
    <div class="stack">
      <div class="section-head">
        <h2>Parts</h2>
      </div>
      <LoadView loaded={loaded}>
        {(parts) => <Table caption="Parts" columns={columns} rows={parts} keyOf={({ id }) => id} />}
      </LoadView>
      {ids.length > mostShown && (
        <p class="quiet">
          The first {countText(mostShown)} of {countText(ids.length)}.
        </p>
      )}
    </div>
  );
}

async function partOf(id: string, signal: AbortSignal): Promise<Part> {
  try {
    return { id, run: await getRun(id, signal) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { id, run: undefined };
    throw error;
  }
}
