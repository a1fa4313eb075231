/** Checks the three databases of a data folder: each by itself, and against the blobs that it names. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { blobsKnownIn, registryProblems } from '../../content/index.ts';
import { checkBlobs } from '../../images/index.ts';
import { isFault } from '../../lib/index.ts';
import {
  codeNamedIn,
  type DatabaseSnapshot,
  databaseProblems,
  openSnapshot,
  stateProblems,
} from '../../store/index.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import type { NamedInBucket } from './bucket.ts';
import type { BlobArea, Findings } from './findings.ts';

export interface CheckedDatabases {
  /** Undefined when it is missing or damaged: then nothing can be compared with it. */
  readonly state: DatabaseSnapshot | undefined;
  readonly registry: DatabaseSnapshot | undefined;
  readonly gate: DatabaseSnapshot | undefined;
}

export const damagedBlob = 'does not match its digest, or can’t be read';
const restore = 'stop Ward and restore a backup with ward restore';

/** Snapshots are closed with `stack`. */
export function checkDatabases(
  dataDir: string,
  findings: Findings,
  stack: DisposableStack,
  onStep: (text: string) => void,
): CheckedDatabases {
  const { database, registry } = dataPaths(dataDir);
  const check = (path: string, ofOwn: (snapshot: DatabaseSnapshot) => readonly string[]) => {
    const name = relative(dataDir, path);
    onStep(`reading ${name}`);
    // SQLite writes a file beside a database to read it; a read-only folder is no damage.
    if (existsSync(path)) accessSync(dirname(path), constants.W_OK);
    try {
      const snapshot = openSnapshot(path);
      if (snapshot === undefined) {
        findings.tell('databases', name, 'is missing', `${restore}, or see ward up --accept-missing`);
        return undefined;
      }
      stack.use(snapshot);
      findings.checked.databases++;
      const problems = databaseProblems(snapshot);
      for (const problem of problems) findings.tell('databases', name, problem, restore);
      if (problems.length > 0) return undefined;
      for (const problem of ofOwn(snapshot)) {
        findings.tell('databases', name, problem, `${restore}; until then quotas and limits use the counter`);
      }
      return snapshot;
    } catch (error) {
      if (!isFault(error) || error.code === 'STORE_LOCKED') throw error;
      findings.tell('databases', name, error.message, restore);
      return undefined;
    }
  };
  return {
    state: check(database, stateProblems),
    registry: check(join(registry, 'registry.db'), registryProblems),
    gate: check(gatePaths(dataDir).database, () => []),
  };
}

export interface BlobsCheck {
  /** Folder of the blobs. */
  readonly dir: string;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

interface NamedBlobs extends BlobsCheck {
  readonly area: BlobArea;
  readonly databasePath: string;
  readonly database: DatabaseSnapshot;
}

const naming = {
  code: {
    named: codeNamedIn,
    owners: `select namespace || '/' || path as name from entities where code_digest = `,
    remedy: 'deploy what contains it again, or restore a backup',
  },
  registry: {
    named: blobsKnownIn,
    owners:
      'select distinct repository as name from (select repository, digest from links union select repository, digest from manifests) where digest = ',
    remedy: 'push the image again, or restore a backup',
  },
} as const;

/** What the tables of a folder name in a bucket. */
export function namedBlobs({
  area,
  database,
  databasePath,
}: Pick<NamedBlobs, 'area' | 'database' | 'databasePath'>): NamedInBucket {
  const { named, remedy } = naming[area];
  return {
    ...{ area, remedy },
    named: () => named(database).filter(isDigest).toSorted(),
    async namesOf(digest) {
      using now = openSnapshot(databasePath);
      return now === undefined ? [] : ownersIn(now, area, digest);
    },
    isKept: async (digest) => area === 'code' && keepsCode(database, digest),
  };
}

function ownersIn(database: DatabaseSnapshot, area: BlobArea, digest: Digest): readonly string[] {
  return database.all(`${naming[area].owners}'${digest}' limit 5`).map(({ name }) => String(name));
}

/** Whether it is earlier code, or code of an accepted call. */
function keepsCode(state: DatabaseSnapshot, digest: Digest): boolean {
  // A database of an older Ward has no earlier code.
  const hasEarlier = state.all(`select 1 as one from sqlite_schema where name = 'earlier_code'`).length > 0;
  const sources = [
    ...(hasEarlier ? [`select 1 as one from earlier_code where digest = '${digest}'`] : []),
    `select 1 as one from accepted where code_digest = '${digest}'`,
  ];
  return state.all(`${sources.join(' union all ')} limit 1`).length > 0;
}

/** Compares each blob with its digest. */
export async function readBlobs(
  area: BlobArea,
  { dir, signal, onStep }: BlobsCheck,
  findings: Findings,
): Promise<Awaited<ReturnType<typeof checkBlobs>>> {
  const found = await checkBlobs(dir, signal, (count) => onStep(`reading ${area} ${count}`));
  findings.checked[area] += found.present.size;
  return found;
}

/** Checks each blob against its digest, and against the database before and after. */
export async function checkNamedBlobs(
  { area, dir, databasePath, database, signal, onStep }: NamedBlobs,
  findings: Findings,
): Promise<void> {
  const { named, remedy } = naming[area];
  const { present, damaged } = await readBlobs(area, { dir, signal, onStep }, findings);
  const before = named(database).filter(isDigest);
  const told = (digest: Digest, problem: string): void => {
    const names = ownersIn(database, area, digest);
    const of = names.length === 0 ? digest : `${digest} (${names.join(', ')})`;
    findings.tell(area, of, problem, remedy);
  };
  for (const digest of damaged) told(digest, damagedBlob);
  const missing = before.filter((digest) => !present.has(digest));
  if (missing.length > 0) {
    // A server deletes a blob after the last row that names it.
    using now = openSnapshot(databasePath);
    const still = new Set(now === undefined ? [] : named(now));
    for (const digest of missing) if (still.has(digest)) told(digest, 'is missing');
  }
  const known = new Set(before);
  const isUnused = (digest: Digest) =>
    !known.has(digest) && !(area === 'code' && keepsCode(database, digest));
  const unnamed = [...present].filter(isUnused).length;
  if (unnamed > 0)
    findings.note(`${area}: ${unnamed} blobs are unused; a running Ward removes them after an hour`);
}
