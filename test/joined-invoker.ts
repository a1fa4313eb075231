/**
 * Makes a server of a test a cluster: it becomes a node for the API alone, as an ordinary user, and an invoker beside it
 * joins with a token and runs all its calls.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { runInFolder } from '../src/cli/in-process.fixture.ts';
import { makeAuthority } from '../src/cluster/index.ts';
import { mustRun } from '../src/lib/index.ts';
import type { FolderSettings } from './engine-switch.ts';
import { outsideEnv, type StartOptions, Ward } from './ward.ts';

/** How `ward up` starts the node for the API. */
export interface ApiStart {
  readonly config: object;
  readonly through: readonly string[];
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const nodes = { api: 'api', invoker: 'invoker' } as const;
/** Settings that an invoker takes from its own file. */
const settingsOfInvokers = ['logLevel', 'apiHost', 'images', 'invoker', 'limits', 'sandbox'];

export function invokerFolder(dataDir: string): string {
  return `${dataDir}.invoker`;
}

/** Lets the node for the API, which is an ordinary user, use its folder, and lets it admit others. */
export async function prepareApiNode(
  dataDir: string,
  settings: FolderSettings,
  config: object,
): Promise<ApiStart> {
  const identities = join(dataDir, 'cluster');
  if (!existsSync(identities)) {
    await mkdir(identities, { mode: 0o700, recursive: true });
    await makeAuthority(identities);
  }
  for (const path of [dataDir, ...filesIn(config)]) await giveToServer(path);
  return {
    config: { cluster: { name: settings.cluster, node: nodes.api } },
    // A server with a keeper gets such a priority, without which a busy machine lets nodes lose each other.
    through: ['nice', '-n', '-10', 'setpriv', '--reuid=ward', '--regid=ward', '--clear-groups', '--'],
    flags: ['--role', 'api'],
    env: { WARD_STORE: settings.store, WARD_BLOBS: settings.blobs, WARD_BUS: settings.bus },
  };
}

/** Files of the test that a configuration names, and their folders, where the operator's commands write new ones. */
function filesIn(config: unknown): readonly string[] {
  if (typeof config === 'string')
    return config.startsWith(`${tmpdir()}/`) && existsSync(config) ? [ownFolderOf(config)] : [];
  return typeof config === 'object' && config !== null ? Object.values(config).flatMap(filesIn) : [];
}

/** The path itself when its folder is the one of all tests. */
function ownFolderOf(path: string): string {
  const folder = dirname(path);
  return folder === tmpdir() ? path : folder;
}

/** Root would have read it for a server with a keeper. */
async function giveToServer(path: string): Promise<void> {
  await mustRun(['chown', '-R', 'ward:ward', path]);
  for (let above = dirname(path); above.startsWith(`${tmpdir()}/`); above = dirname(above))
    await chmod(above, (await stat(above)).mode | 0o011);
}

/** Starts the invoker of a node for the API, or starts it again. */
export async function startJoinedInvoker(
  api: Ward,
  config: object,
  { bus, cluster, store }: FolderSettings,
  { env = {} }: Pick<StartOptions, 'env'>,
): Promise<{ readonly ward: Ward; readonly said: () => string }> {
  const dataDir = invokerFolder(api.dataDir);
  const taken = Object.entries(config).filter(([name]) => settingsOfInvokers.includes(name));
  const credentials = Object.keys(process.env).filter((name) => name.startsWith('AWS_'));
  const hidden = Object.fromEntries(credentials.map((name) => [name, undefined]));
  const isMember = existsSync(join(dataDir, 'cluster', 'node.json'));
  const token = isMember ? undefined : await newToken(api.dataDir, store);
  const started = await Ward.startSaying(
    { ...Object.fromEntries(taken), cluster: { name: cluster, node: nodes.invoker } },
    dataDir,
    undefined,
    {
      flags: ['--role', 'invoker', '--join', api.url],
      env: { ...hidden, ...env, ...(token !== undefined && { WARD_JOIN_TOKEN: token }) },
    },
  );
  await untilHeard(bus, cluster);
  return started;
}

async function newToken(dataDir: string, store: string): Promise<string> {
  const words = ['node', 'token', '--role', 'invoker', '--name', nodes.invoker, '--data', dataDir];
  const env = { ...outsideEnv(), WARD_STORE: store };
  const { code, stdout, stderr } = await runInFolder([...words, '-o', 'json'], { env, cwd: process.cwd() });
  if (code !== 0) throw new Error(`no token for the invoker: ${stderr}`);
  return JSON.parse(stdout).token;
}

/**
 * Waits for two reports of what the invoker can run, which it finds out after its start: when the second one comes, the
 * node for the API has the first.
 */
async function untilHeard(bus: string, cluster: string): Promise<void> {
  const connection = await connect({ servers: bus });
  let able = 0;
  for await (const report of connection.subscribe(`ward.v1.${cluster}.hb.invoker.${nodes.invoker}`)) {
    if (report.string().includes('"invoker":{')) able++;
    if (able === 2) break;
  }
  await connection.close();
}
