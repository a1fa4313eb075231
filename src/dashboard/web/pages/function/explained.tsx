/** What decides about a call of a function now: the gate's verdict, and the policy of its sandboxes in words. */
import type { Explained, PolicyLine } from '../../../../answers/index.ts';
import { call, inNamespace } from '../../api/client.ts';
import { linkTo } from '../../app/router.ts';
import { LoadView } from '../../components/load-view.tsx';
import { Section } from '../../components/section.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { type Loaded, useLoad } from '../../components/use-load.ts';
import { RunVerdict, withoutReport } from '../gate/gate-words.tsx';

/** @param revision what was loaded before may not be true of another one */
export function useExplained(path: string, revision: string): Loaded<Explained> {
  return useLoad(
    (signal) => call<Explained>('GET', inNamespace('/ward/v1', 'explain', ...path.split('/')), { signal }),
    `${path} ${revision}`,
  );
}

/** Where its sandboxes may connect to: the namespace has rules, too. Undefined if it has no sandboxes, or as long as it is not known. */
export function networkText({ data }: Loaded<Explained>): string | undefined {
  if (data === undefined || data.gate === null) return undefined;
  // The limits come after it.
  return data.policy.find(({ mechanism }) => mechanism === 'egress')?.value.split(';')[0];
}

export function ExplainedView({ loaded }: { readonly loaded: Loaded<Explained> }) {
  return (
    <LoadView loaded={loaded}>
      {({ gate, policy }) =>
        gate !== null && (
          <>
            <Section title="What the gate says">
              <p>
                <RunVerdict outcome={gate.outcome} />{' '}
                <span class="breaks">{withoutReport(gate.summary)}</span>{' '}
                {gate.digest !== null && (
                  <a href={linkTo(['gate', 'report', gate.digest])}>What was found in it</a>
                )}
              </p>
            </Section>
            <details>
              <summary>How its sandboxes are confined</summary>
              <Table
                caption="The policy of its sandboxes"
                columns={columns}
                rows={policy}
                keyOf={({ mechanism }) => mechanism}
              />
            </details>
          </>
        )
      }
    </LoadView>
  );
}

const columns: readonly Column<PolicyLine>[] = [
  { title: 'Mechanism', cell: ({ mechanism }) => <span class="bounded">{mechanism}</span> },
  { title: 'Value', cell: ({ value }) => <span class="breaks">{value}</span> },
  { title: 'Against', cell: ({ vector }) => <span class="bounded">{vector}</span> },
  {
    title: 'From',
    cell: ({ source }) =>
      source === 'default' ? <span class="quiet">Ward</span> : 'its settings, or the operator’s',
  },
];
