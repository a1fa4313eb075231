/** The last firings of a trigger, live, with what came of each rule. */
import { useEffect } from 'preact/hooks';
import { call, inNamespace } from '../../api/client.ts';
import type { Firing } from '../../api/trigger-types.ts';
import { linkTo } from '../../app/router.ts';
import { Held, useHeld } from '../../components/held.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { useLoad } from '../../components/use-load.ts';

const shownFirings = 10;

interface Outcome {
  readonly rule: string;
  readonly isSuccess: boolean;
  readonly activationId: string;
  readonly error: string;
}

const columns: readonly Column<Firing>[] = [
  { title: 'Fired', cell: ({ start }) => <Time at={start} /> },
  {
    title: 'Firing',
    cell: ({ activationId }) => (
      <a class="mono breaks" href={linkTo(['runs', activationId])}>
        {activationId}
      </a>
    ),
  },
  {
    title: 'Calls',
    cell: ({ logs = [] }) => (
      <ul>
        {logs.map(outcomeOf).map((outcome, index) => (
          <li key={index}>{outcome !== undefined && <Call outcome={outcome} />}</li>
        ))}
      </ul>
    ),
  },
];

/** @param round grows when it may have fired; 0 at first */
export function Firings({ name, round }: { readonly name: string; readonly round: number }) {
  const query = new URLSearchParams({ name, limit: String(shownFirings), docs: 'true' });
  const loaded = useLoad(
    (signal) =>
      call<readonly Firing[]>('GET', `${inNamespace('/api/v1', 'activations')}?${query}`, { signal }),
    name,
  );
  const { hear, ...held } = useHeld(loaded.reload);
  useEffect(() => {
    if (round > 0) hear();
  }, [round]);
  return (
    <Section title="Last firings">
      <Held {...held}>
        <LoadView loaded={loaded}>
          {(firings) =>
            firings.length === 0 ? (
              <p class="quiet">It has not fired, or its records are no longer kept.</p>
            ) : (
              <Table
                caption="Last firings"
                columns={columns}
                rows={firings}
                keyOf={({ activationId }) => activationId}
              />
            )
          }
        </LoadView>
      </Held>
    </Section>
  );
}

function Call({ outcome: { rule, isSuccess, activationId, error } }: { readonly outcome: Outcome }) {
  return (
    <span class="breaks">
      <Status tone={isSuccess ? 'good' : 'bad'} text={isSuccess ? 'called' : 'refused'} /> {rule}{' '}
      {activationId !== '' && <a href={linkTo(['runs', activationId])}>run</a>}
      {error !== '' && <span class="quiet"> {error}</span>}
    </span>
  );
}

/** Each line of the log is JSON. */
function outcomeOf(line: string): Outcome | undefined {
  try {
    const found: unknown = JSON.parse(line);
    if (typeof found !== 'object' || found === null) return undefined;
    const field = (name: string) => {
      const value = (found as Readonly<Record<string, unknown>>)[name];
      return typeof value === 'string' ? value : '';
    };
    const isSuccess = 'success' in found && found.success === true;
    return { rule: field('rule'), activationId: field('activationId'), error: field('error'), isSuccess };
  } catch {
    return undefined;
  }
}
