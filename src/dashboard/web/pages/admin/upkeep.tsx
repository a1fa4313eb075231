/** Backups and the upgrade: what was backed up last, which versions run, and the commands for both. Starts neither. */
import type { Backup, Database, Overview } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { serverNow } from '../../api/server-clock.ts';
import { quotedWord } from '../../api/shell.ts';
import { linkTo } from '../../app/router.ts';
import { CommandLine } from '../../components/command-line.tsx';
import { Facts } from '../../components/facts.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { ageText, countedText, countText, sizeText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';

const root = '/ward/v1/operator';
const checkCommand =
  'mkdir check && tar --zstd -xf /backup/ward.tar.zst -C check && (cd check && sha256sum --check --quiet sha256sums)';

async function loadUpkeep(signal: AbortSignal) {
  const [backup, overview, database] = await Promise.all([
    call<Backup>('GET', `${root}/backup`, { signal }),
    call<Overview>('GET', `${root}/overview`, { signal }),
    call<Database>('GET', `${root}/database`, { signal }),
  ]);
  return { backup, overview, database };
}

export function Upkeep() {
  const loaded = useLoad(loadUpkeep, '');
  return (
    <>
      <PageHead
        title="Backups and upgrade"
        about="What was backed up last, and which versions run. The commands are for the server’s machine."
      />
      <LoadView loaded={loaded}>
        {({ backup, overview, database }) => (
          <div class="stack sections">
            <Section title="Backup">
              {backup.isElsewhere ? <BackupElsewhere /> : <LastBackup backup={backup} />}
            </Section>
            <Section title="Upgrade">
              <Versions overview={overview} />
            </Section>
            <Section title="Database">
              <Migrations database={database} />
            </Section>
          </div>
        )}
      </LoadView>
    </>
  );
}

function BackupElsewhere() {
  return (
    <p>
      The database or the blobs of this Ward are not in its data folder. Back them up with the tools of
      PostgreSQL and of the bucket, and copy what the data folder has beside them.
    </p>
  );
}

function LastBackup({ backup: { last, dataDir } }: { readonly backup: Backup }) {
  return (
    <>
      {last === null ? (
        <Status tone="warn" text="no backup is known" />
      ) : (
        <Facts
          facts={[
            [
              'Taken',
              <>
                <Time at={Date.parse(last.takenAt)} />, {ageText(serverNow() - Date.parse(last.takenAt))} ago
              </>,
            ],
            ['File', <code class="breaks">{last.file}</code>],
            ['Size', `${sizeText(last.bytes)}, ${countText(last.files)} files`],
            ['Made by', `Ward ${last.ward}`],
            ['Not in it', last.missing.length === 0 ? 'nothing is missing' : last.missing.join(', ')],
            last.damaged === 0
              ? undefined
              : [
                  'Damaged',
                  <Status tone="bad" text={`${countedText(last.damaged, 'file')}, already on the server`} />,
                ],
          ]}
        />
      )}
      <p class="quiet">
        To make one while Ward runs; with its keys, only for a place that no one else can read (
        <code>--with-keys</code>):
      </p>
      <CommandLine text={`ward backup /backup/ward.tar.zst --data ${quotedWord(dataDir)}`} />
      <p class="quiet">To check every digest in one, without Ward:</p>
      <CommandLine text={checkCommand} />
    </>
  );
}

function Versions({ overview: { nodes, version } }: { readonly overview: Overview }) {
  const versions = new Set([version, ...nodes.map((node) => node.version)]);
  return (
    <>
      {versions.size === 1 ? (
        <Status tone="good" text={`all nodes run Ward ${version}`} />
      ) : (
        <Status tone="warn" text="nodes run different versions" />
      )}
      <Table
        caption="Versions of the nodes"
        columns={[
          { title: 'Node', cell: ({ name }) => <span class="breaks">{name}</span> },
          { title: 'Role', cell: ({ role }) => <span class="bounded">{role}</span> },
          { title: 'Version', cell: (node) => <span class="bounded">{node.version}</span> },
          { title: 'State', cell: ({ state }) => state },
        ]}
        rows={nodes}
        keyOf={({ name }) => name}
      />
      <p class="quiet">
        A server upgrades its database when it starts, so no migration is pending while it runs. Take a backup
        first: older versions may not be able to use an upgraded database. Then run this in a checkout of the
        new version beside the running one, with the options of the running server. A cluster is upgraded{' '}
        <a href={linkTo(['nodes'])}>node by node</a>.
      </p>
      <CommandLine text="node scripts/setup.mjs --no-link && bin/ward.mjs up --take-over" />
    </>
  );
}

function Migrations({ database: { engine, migrations } }: { readonly database: Database }) {
  const newest = migrations.at(-1);
  return (
    <>
      <Facts
        facts={[
          ['Engine', engine === 'postgres' ? 'PostgreSQL' : 'SQLite, in the data folder'],
          newest && ['Newest migration', <code>{newest.name}</code>],
        ]}
      />
      <details>
        <summary>{countedText(migrations.length, 'migration')} of its tables</summary>
        <Table
          caption="Migrations that ran"
          columns={[
            { title: 'Migration', cell: ({ name }) => <code class="breaks">{name}</code> },
            { title: 'Ran', cell: ({ at }) => (at === null ? 'not known' : <Time at={at} />) },
          ]}
          rows={migrations.toReversed()}
          keyOf={({ name }) => name}
        />
      </details>
    </>
  );
}
