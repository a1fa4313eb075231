/**
 * What the servers of end-to-end tests run on. The variable `WARD_TEST_ON` chooses it for a run of the tests:
 *
 * - absent: one server with everything in its data folder;
 * - `postgres`: the same, with a PostgreSQL database for each data folder;
 * - `cluster`: an API node and an invoker for each data folder (`joined-invoker.ts`), with a database, a name on the bus
 *   and a prefix in the S3-compatible store of their own.
 *
 * The engines run as long as the tests.
 */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GateStore } from '../src/gate/index.ts';
import type { Store } from '../src/store/index.ts';
import type { EngineSettings } from './cluster/engines.ts';

/** The settings of the servers of one data folder. */
export interface FolderSettings extends EngineSettings {
  /** The name of their cluster. */
  readonly cluster: string;
}

interface StartedEngines extends AsyncDisposable {
  /** Tells the processes of the tests where they are. */
  readonly env: NodeJS.ProcessEnv;
}

/** Where the engines of this run are. */
type EnginesOfRun = Pick<EngineSettings, 'store'> & Partial<EngineSettings>;

const choice = 'WARD_TEST_ON';
const variable = 'WARD_TEST_ENGINES';
const alreadyThere = '42P04';

/** @throws Error when the tests should run on engines that are not installed */
export async function startTestEngines(): Promise<StartedEngines> {
  const wanted = process.env[choice];
  if (wanted === undefined) return { env: {}, [Symbol.asyncDispose]: async () => {} };
  const start = starts[wanted];
  if (start === undefined)
    throw new Error(`${choice}: choose one of ${Object.keys(starts).join(', ')}, not '${wanted}'`);
  const { settings, stop } = await start();
  return { env: { [variable]: JSON.stringify(settings) }, [Symbol.asyncDispose]: stop };
}

/** Files of tests whose servers the variable is about; others start none, or bring their own engines. */
export function filesToSwitch(root: string): readonly string[] {
  return globSync('test/{,docs/}*.test.ts', { cwd: root }).filter((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return /\bWard\.start/.test(text) && !/\bmissingFor(?:Postgres|Nats|Moto|Cluster)\b/.test(text);
  });
}

/** True when the servers of these tests are clusters. */
export function isOnCluster(): boolean {
  return enginesOfRun()?.bus !== undefined;
}

/** Servers of this data folder have settings of their own, and no engines of the run. */
export function keepOwnSettings(dataDir: string): void {
  ownSettings.add(dataDir);
}

/** Variables for processes that work on a data folder. The same folder always gets the same database. */
export async function storeOf(dataDir: string): Promise<NodeJS.ProcessEnv> {
  const engines = enginesOfRun();
  if (engines === undefined || ownSettings.has(dataDir)) return {};
  const { store, blobs } = await placesOf(dataDir, engines);
  return { WARD_STORE: store, ...(blobs !== undefined && { WARD_BLOBS: blobs }) };
}

/** Undefined: the servers of this data folder are no cluster. */
export async function clusterOf(dataDir: string): Promise<FolderSettings | undefined> {
  const engines = enginesOfRun();
  if (engines?.bus === undefined || ownSettings.has(dataDir)) return undefined;
  const { store, blobs = '' } = await placesOf(dataDir, engines);
  return { store, blobs, bus: engines.bus, cluster: nameOf(dataDir) };
}

/** The store of a data folder, beside the server that uses it. */
export async function openStateOf(dataDir: string): Promise<Store> {
  const { openPostgresStore, openStore } = await import('../src/store/index.ts');
  const { WARD_STORE: url } = await storeOf(dataDir);
  return url === undefined
    ? await openStore({ path: join(dataDir, 'state', 'ward.db') })
    : await openPostgresStore({ url });
}

/** The same of what the gate keeps. */
export async function openGateOf(dataDir: string): Promise<GateStore> {
  const { openGateStore, openPostgresGateStore } = await import('../src/gate/index.ts');
  const { WARD_STORE: url } = await storeOf(dataDir);
  return url === undefined
    ? await openGateStore({ path: join(dataDir, 'gate', 'gate.db') })
    : await openPostgresGateStore({ url });
}

const ownSettings = new Set<string>();

interface Start {
  readonly settings: EnginesOfRun;
  readonly stop: () => PromiseLike<void>;
}

// A signal of the terminal is for the tests, which end first.
const options = { detached: true };
const starts: Readonly<Record<string, () => Promise<Start>>> = {
  async postgres() {
    const { missingForPostgres, startPostgres } = await import('../src/store/postgres/server.fixture.ts');
    refuseMissing(await missingForPostgres());
    const server = await startPostgres(options);
    await server.admin(`create database ${common}`);
    return { settings: { store: server.url(common) }, stop: () => server[Symbol.asyncDispose]() };
  },
  async cluster() {
    const { missingForCluster, startEngines } = await import('./cluster/engines.ts');
    refuseMissing(await missingForCluster());
    const engines = await startEngines(options);
    return { settings: engines.settings, stop: () => engines[Symbol.asyncDispose]() };
  },
};

function refuseMissing(missing: string | undefined): void {
  if (missing !== undefined) throw new Error(`${choice}: ${missing}`);
}

function enginesOfRun(): EnginesOfRun | undefined {
  const text = process.env[variable];
  return text === undefined ? undefined : JSON.parse(text);
}

/** The database and the prefix that `startEngines` gives; those of a folder take their place. */
const common = 'ward';

async function placesOf(dataDir: string, { store, blobs }: EnginesOfRun) {
  const name = nameOf(dataDir);
  await createDatabase(store, name);
  const own = (setting: string) => setting.replace(`/${common}?`, `/${name}?`);
  return { store: own(store), blobs: blobs === undefined ? undefined : own(blobs) };
}

function nameOf(dataDir: string): string {
  return `t${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`;
}

async function createDatabase(server: string, name: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client(server);
  await client.connect();
  try {
    await client.query(`create database ${name}`);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== alreadyThere) throw error;
  } finally {
    await client.end();
  }
}
