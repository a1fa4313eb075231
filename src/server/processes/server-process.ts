/** The server's process, as its keeper starts it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcessPlan } from '../../keeper/index.ts';
import { putServerFirst } from '../../sandbox/index.ts';
import type { Config } from '../config/config.ts';
import type { ServerAccount } from '../instance/account.ts';
import type { Ground } from '../instance/ground.ts';
import { dataPaths } from '../instance/instance.ts';
import { runDir } from '../instance/instance-locks.ts';
import type { ShownPaths } from '../instance/shown-paths.ts';
import { memoryPlan, ownLimit } from '../platform/memory-plan.ts';
import { type HalfProcess, mkdirFor, startHalf } from './half-process.ts';

export interface ServerPlan {
  readonly config: Config;
  readonly account: ServerAccount;
  readonly ground: Pick<Ground, 'instance' | 'host'>;
  /** Folder of the instance, below /run. */
  readonly ownDir: string;
  readonly shown: ShownPaths;
  /** Descriptors passed on as 4, … */
  readonly descriptors?: readonly number[];
}

/** The cache of code that the server compiles; only the server writes and reads it. */
const compileCache = join(runDir, 'compile-cache');
/** Node, its libraries, certificates, time zones, names of hosts and users. */
const system = ['/usr', '/lib', '/lib64', '/bin', '/etc', '/run/systemd/resolve', '/proc', '/sys'];
const devices = ['/dev/null', '/dev/zero', '/dev/urandom', '/dev/random'];

export async function startServer(plan: ServerPlan): Promise<HalfProcess> {
  const { config, account, ownDir, shown, descriptors = [] } = plan;
  const { workFiles } = dataPaths(config.dataDir);
  await mkdirFor(compileCache, account);
  await mkdirFor(workFiles, account);
  const server = await startHalf({
    ...{ ownDir, shown, nodeFlags: memoryPlan(ownLimit()).serverFlags, descriptors, words: ['up'] },
    rights: (programs) => rightsOf(plan, programs),
    env: {
      ...withoutStore(process.env),
      ...{ TMPDIR: workFiles, SQLITE_TMPDIR: workFiles, WARD_COMPILE_CACHE: compileCache },
    },
  });
  await putServerFirst(server.pid);
  return server;
}

/** The server gets its password and its token from the keeper, so they need not be in what `/proc` shows of a process. */
function withoutStore({
  WARD_STORE: _,
  PGPASSWORD: _password,
  WARD_JOIN_TOKEN: _token,
  ...env
}: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return env;
}

/** @param programs files that the server runs from */
export function rightsOf(
  { config, account, ground, ownDir }: Omit<ServerPlan, 'shown' | 'descriptors'>,
  programs: readonly string[],
): Omit<ServerProcessPlan, 'filterFile' | 'argv'> {
  return {
    ...{ uid: account.uid, gid: account.gid },
    hasLowPort: [config.listen, config.tls?.redirect].some((each) => isLowPort(each?.port)),
    readable: [
      ...system,
      ...devices,
      ...programs,
      ...mirrorPaths(config),
      ...tlsFiles(config),
      ...credentialFiles(config),
      ownDir,
    ],
    writable: [config.dataDir, config.imagesDir, compileCache, ownDir],
    adjustable: ['/dev/null', ...groupsOf(ground)],
  };
}

function isLowPort(port = 0): boolean {
  return port > 0 && port < 1024;
}

/** Files that the environment names: of an authority, for every client, and for the client of the store of blobs. */
function credentialFiles({ blobs }: Config, env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const ofBlobs = [
    ...['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'],
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  ];
  const names = ['NODE_EXTRA_CA_CERTS', ...(blobs === undefined ? [] : ofBlobs)];
  return names.flatMap((name) => env[name] ?? []).filter((file) => existsSync(file));
}

/** Files for the server's updates of advisories. Leaves out missing ones; the update reports them. */
function mirrorPaths({ advisories: { update, from, key, sources } }: Config): readonly string[] {
  if (update === 'off') return [];
  const paths = [from?.includes('://') ? undefined : from, key, sources];
  return paths.filter((path) => path !== undefined && existsSync(path)).map(String);
}

/** Certificates for the connection to the database. Leaves out missing ones; the server reports them. */
function tlsFiles({ store }: Config): readonly string[] {
  return store.engine === 'sqlite' ? [] : store.tlsFiles.filter((file) => existsSync(file));
}

type HandRights = Pick<ServerPlan, 'account' | 'ground' | 'ownDir'> & {
  readonly readable: readonly string[];
  readonly writable: readonly string[];
};

/** The unprivileged half of a command run by hand: it sees images, and no other data of the server. */
export function handRightsOf(
  { account, ground, ownDir, readable, writable }: HandRights,
  programs: readonly string[],
): Omit<ServerProcessPlan, 'filterFile' | 'argv'> {
  return {
    ...{ uid: account.uid, gid: account.gid, hasLowPort: false },
    readable: [...system, ...devices, ...programs, ...readable, ownDir],
    writable: [...writable, ownDir],
    adjustable: ['/dev/null', ...groupsOf(ground)],
  };
}

/** Control files of sandboxes that the keeper lends. */
function groupsOf({ instance, host }: ServerPlan['ground']): string[] {
  const mounts = new Set(host.features.cgroup.controllers.values());
  return [...mounts].map((mount) => join(mount, 'ward', instance));
}
