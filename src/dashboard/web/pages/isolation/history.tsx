/** Earlier runs of a check of this host, each with what had changed since. */
import type { HostCheckRun } from '../../../../answers/index.ts';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';

const mostShown = 10;

const columns: readonly Column<HostCheckRun>[] = [
  { title: 'When', cell: ({ at }) => <Time at={at} /> },
  {
    title: 'Result',
    cell: ({ ok }) => <Status tone={ok ? 'good' : 'bad'} text={ok ? 'held' : 'did not hold'} />,
  },
  { title: 'Kernel', cell: ({ kernel }) => <span class="breaks">{kernel}</span> },
  { title: 'What had changed', cell: ({ changes }) => <Changes changes={changes} /> },
];

function Changes({ changes }: Pick<HostCheckRun, 'changes'>) {
  if (changes.length === 0) return <span class="quiet">nothing</span>;
  return (
    <>
      {changes.slice(0, mostShown).map(({ name, before, after }) => (
        <div class="breaks" key={name}>{`${name}: ${before ?? 'new'} → ${after}`}</div>
      ))}
      {changes.length > mostShown && (
        <div class="quiet">and {countText(changes.length - mostShown)} more</div>
      )}
    </>
  );
}

/** @param what the command */
export function History({ what, runs }: { readonly what: string; readonly runs: readonly HostCheckRun[] }) {
  if (runs.length === 0) return null;
  return (
    <Section title={`Runs of ${what}`}>
      <Table
        caption={`Runs of ${what}`}
        columns={columns}
        rows={runs}
        keyOf={(run) => `${run.at} ${runs.indexOf(run)}`}
      />
    </Section>
  );
}
