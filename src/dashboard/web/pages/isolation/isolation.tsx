/** What keeps functions in: the last report of `ward doctor`, what sandboxes were refused, and the policy in words. */
import type {
  Doctor,
  Isolation as IsolationAnswer,
  MechanismRow,
  PolicyLine,
} from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { serverNow } from '../../api/server-clock.ts';
import type { PageProps } from '../../app/pages.ts';
import { Empty } from '../../components/empty.tsx';
import { Facts } from '../../components/facts.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { ageText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { History } from './history.tsx';
import { ProveSection } from './prove.tsx';
import { Violations } from './violations.tsx';

export function Isolation({ query }: PageProps) {
  const loaded = useLoad(
    (signal) => call<IsolationAnswer>('GET', '/ward/v1/operator/isolation', { signal }),
    '',
  );
  return (
    <>
      <PageHead title="Isolation" about="What keeps functions in, and what they tried." />
      <div class="stack sections">
        <Violations query={query} />
        <LoadView loaded={loaded}>
          {({ doctor, doctorRuns, prove, proveRuns, policy }) => (
            <div class="stack sections">
              <DoctorSection doctor={doctor} />
              <History what="ward doctor" runs={doctorRuns} />
              <ProveSection prove={prove} />
              <History what="ward prove" runs={proveRuns} />
              <PolicySection policy={policy} />
            </div>
          )}
        </LoadView>
      </div>
    </>
  );
}

function DoctorSection({ doctor }: { readonly doctor: Doctor | null }) {
  if (doctor === null)
    return (
      <Section title="Doctor">
        <Empty title="Nobody has looked yet" command="ward doctor">
          It tries each mechanism in a real sandbox on this machine. Its report appears here.
        </Empty>
      </Section>
    );
  const runtimes = Object.entries(doctor.runtimes).map(([name, version]) => `${name} ${version}`);
  return (
    <Section title="Doctor">
      <Facts
        facts={[
          [
            'Result',
            doctor.ok ? (
              <Status tone="good" text="everything that the policy requires works" />
            ) : (
              <Status tone="bad" text="something that the policy requires does not work" />
            ),
          ],
          [
            'Looked',
            <>
              <Time at={doctor.at} />{' '}
              <span class="quiet">({ageText(serverNow() - doctor.at)} ago; again: </span>
              <code>ward doctor</code>
              <span class="quiet">)</span>
            </>,
          ],
          ['Kernel', doctor.kernel],
          ['Control groups', doctor.cgroups],
          ['Runtimes', runtimes.join(', ') || 'none'],
        ]}
      />
      <Table
        caption="Mechanisms"
        columns={mechanismColumns}
        rows={[...doctor.rows, ...doctor.processes]}
        keyOf={({ name, vector }) => `${vector} ${name}`}
      />
      {doctor.advisories.length > 0 && (
        <>
          <h3>Known holes of the runtimes</h3>
          <Table
            caption="Known holes of the runtimes"
            columns={advisoryColumns}
            rows={doctor.advisories}
            keyOf={({ runtime, id }) => `${runtime} ${id}`}
          />
        </>
      )}
      {doctor.advice.length > 0 && (
        <>
          <h3>Settings of this host that could be harder</h3>
          <Table
            caption="Settings of this host that could be harder"
            columns={adviceColumns}
            rows={doctor.advice}
            keyOf={({ setting }) => setting}
          />
        </>
      )}
    </Section>
  );
}

const mechanismColumns: readonly Column<MechanismRow>[] = [
  { title: 'Mechanism', cell: ({ name }) => <span class="breaks">{name}</span> },
  {
    title: 'Proven',
    cell: ({ proven, required }) => {
      if (proven === 'yes') return <Status tone="good" text="held" />;
      if (proven === 'skipped') return <Status tone="idle" text="not tried" />;
      return (
        <Status tone={required ? 'bad' : 'warn'} text={required ? 'missing' : 'missing, not required'} />
      );
    },
  },
  { title: 'Against', cell: ({ vector }) => <span class="bounded">{vector}</span> },
  { title: 'Value', cell: ({ chosen }) => <span class="breaks">{chosen}</span> },
  { title: 'Evidence', cell: ({ evidence }) => <span class="breaks quiet">{evidence}</span> },
];

const advisoryColumns: readonly Column<Doctor['advisories'][number]>[] = [
  {
    title: 'Runtime',
    cell: ({ runtime, version }) => <span class="bounded">{`${runtime} ${version}`}</span>,
  },
  { title: 'Hole', cell: ({ id, title }) => <span class="breaks">{`${id}: ${title}`}</span> },
  {
    title: 'Answered by',
    cell: ({ answer, refused }) => {
      if (refused) return <Status tone="bad" text="nothing: the runtime is refused" />;
      return answer === '' ? <Status tone="warn" text="nothing" /> : <span class="breaks">{answer}</span>;
    },
  },
];

const adviceColumns: readonly Column<Doctor['advice'][number]>[] = [
  { title: 'Setting', cell: ({ setting }) => <code class="breaks">{setting}</code> },
  { title: 'Is', cell: ({ value }) => <code class="breaks">{value}</code> },
  { title: 'Better', cell: ({ recommended }) => <code class="breaks">{recommended}</code> },
  { title: 'Why', cell: ({ why }) => <span class="breaks">{why}</span> },
];

const policyColumns: readonly Column<PolicyLine>[] = [
  { title: 'Mechanism', cell: ({ mechanism }) => <span class="breaks">{mechanism}</span> },
  { title: 'Value', cell: ({ value }) => <span class="breaks">{value}</span> },
  { title: 'Against', cell: ({ vector }) => <span class="bounded">{vector}</span> },
  {
    title: 'From',
    cell: ({ source }) =>
      source === 'default' ? <span class="quiet">Ward</span> : <span class="bounded">{source}</span>,
  },
];

function PolicySection({ policy }: { readonly policy: readonly PolicyLine[] }) {
  return (
    <Section title="The policy of sandboxes, unless an action asks for less">
      <Table
        caption="The policy of sandboxes"
        columns={policyColumns}
        rows={policy}
        keyOf={({ mechanism }) => mechanism}
      />
    </Section>
  );
}
