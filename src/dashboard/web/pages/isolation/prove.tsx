/** The last report of `ward prove`: which attacks held, and each that did not. */
import type { Prove } from '../../../../answers/index.ts';
import { serverNow } from '../../api/server-clock.ts';
import { Empty } from '../../components/empty.tsx';
import { Facts } from '../../components/facts.tsx';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { ageText, countText } from '../../components/units.ts';

type Technique = Prove['techniques'][number];

const mostShown = 100;
/** What held, and what this host can't try. */
const uneventful: readonly string[] = ['BLOCKED', 'NOTHING'];

const columns: readonly Column<Technique>[] = [
  {
    title: 'Outcome',
    cell: ({ outcome }) => <Status tone={outcome === 'ESCAPED' ? 'bad' : 'warn'} text={outcome} />,
  },
  { title: 'Attack', cell: ({ name, title }) => <span class="breaks">{`${name}: ${title}`}</span> },
  { title: 'Should be stopped by', cell: ({ control }) => <span class="breaks">{control}</span> },
  { title: 'Detail', cell: ({ detail }) => <span class="breaks quiet">{detail}</span> },
];

export function ProveSection({ prove }: { readonly prove: Prove | null }) {
  if (prove === null)
    return (
      <Section title="Attacks">
        <Empty title="Nobody has tried yet" command="ward prove">
          Ward attacks its own sandboxes with the techniques of known breakouts, on this machine. What held,
          and what did not, appears here.
        </Empty>
      </Section>
    );
  const { ok, at, kernel, runtime, counts, techniques } = prove;
  const odd = techniques.filter(({ outcome }) => !uneventful.includes(outcome));
  const tried = Object.entries(counts).filter(([, count]) => count > 0);
  return (
    <Section title="Attacks">
      <Facts
        facts={[
          [
            'Result',
            ok ? (
              <Status tone="good" text="nothing got through" />
            ) : (
              <Status tone="bad" text="something got through, or could not be tried" />
            ),
          ],
          [
            'Tried',
            <>
              <Time at={at} /> <span class="quiet">({ageText(serverNow() - at)} ago; again: </span>
              <code>ward prove</code>
              <span class="quiet">)</span>
            </>,
          ],
          ['Attacks', tried.map(([outcome, count]) => `${countText(count)} ${outcome}`).join(', ')],
          ['Runtime', `${runtime.name} ${runtime.version}`],
          ['Kernel', kernel],
        ]}
      />
      {odd.length > 0 && (
        <Table
          caption="Attacks that were not stopped"
          columns={columns}
          rows={odd.slice(0, mostShown)}
          keyOf={({ name }) => name}
        />
      )}
    </Section>
  );
}
