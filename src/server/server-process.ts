/** The server's process, as its keeper starts it and waits for its end. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { findWalls, type ServerProcessPlan, serverArgv, serverMark } from '../keeper/index.ts';
import { startCommand, systemCallFilterHere } from '../lib/index.ts';
import { putServerFirst } from '../sandbox/index.ts';
import type { ServerAccount } from './account.ts';
import type { Config } from './config.ts';
import type { Ground } from './ground.ts';
import { dataPaths } from './instance.ts';
import { runDir } from './instance-locks.ts';
import type { ShownPaths } from './shown-paths.ts';

export interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess extends AsyncDisposable {
  /** To it. */
  readonly channel: Duplex;
  readonly ended: Promise<ServerEnd>;
}

export interface ServerPlan {
  readonly config: Config;
  readonly account: ServerAccount;
  readonly ground: Pick<Ground, 'instance' | 'host'>;
  /** Of the instance, below /run. */
  readonly ownDir: string;
  readonly shown: ShownPaths;
}

/** A request leaves a few KiB behind; a larger nursery lets most of it die without being copied. */
const nodeFlags = ['--max-semi-space-size=64'];
const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
/** The cache of code that the server compiles; only the server writes and reads it. */
const compileCache = join(runDir, 'compile-cache');
/** Node, its libraries, certificates, time zones, names of hosts and users. */
const system = ['/usr', '/lib', '/lib64', '/bin', '/etc', '/run/systemd/resolve', '/proc', '/sys'];
const devices = ['/dev/null', '/dev/zero', '/dev/urandom', '/dev/random'];

export async function startServer(plan: ServerPlan): Promise<ServerProcess> {
  const { config, account, ownDir } = plan;
  const { node, program } = await programOf(plan.shown);
  const { workFiles } = dataPaths(config.dataDir);
  await mkdirFor(compileCache, account);
  await mkdirFor(workFiles, account);
  const filterFile = join(ownDir, 'server.bpf');
  await writeFile(filterFile, systemCallFilterHere(), { mode: 0o600 });
  const argv = serverArgv(
    {
      ...rightsOf(plan, [program, node]),
      filterFile,
      argv: [node, ...nodeFlags, join(program, 'bin/ward.mjs'), 'up'],
    },
    await findWalls(filterFile),
  );
  const child = startCommand(argv, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: {
      ...process.env,
      ...serverMark,
      ...{
        HOME: '/nonexistent',
        TMPDIR: workFiles,
        SQLITE_TMPDIR: workFiles,
        WARD_COMPILE_CACHE: compileCache,
      },
    },
  });
  await once(child, 'spawn');
  if (child.pid !== undefined) await putServerFirst(child.pid);
  forwardSignals(child);
  return {
    channel: channelOf(child),
    ended: endOf(child),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await endOf(child);
    },
  };
}

/** @param programs what it is run from */
export function rightsOf(
  { config, account, ground, ownDir }: Omit<ServerPlan, 'shown'>,
  programs: readonly string[],
): Omit<ServerProcessPlan, 'filterFile' | 'argv'> {
  return {
    ...{ uid: account.uid, gid: account.gid },
    hasLowPort: config.listen.port > 0 && config.listen.port < 1024,
    readable: [...system, ...devices, ...programs, ownDir],
    writable: [config.dataDir, config.imagesDir, compileCache, ownDir],
    adjustable: ['/dev/null', ...groupsOf(ground)],
  };
}

/**
 * The server may also get them from a terminal or a service manager, and counts both as one. This process ends together
 * with everything it has made, no matter which signals it gets meanwhile.
 */
function forwardSignals(child: ChildProcess): void {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void child.kill(name));
}

function channelOf(child: ChildProcess): Duplex {
  const channel = child.stdio[3];
  if (channel instanceof Duplex) return channel;
  throw new TypeError('the server was started without a way to ask');
}

async function endOf(child: ChildProcess): Promise<ServerEnd> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { code: child.exitCode, signal: child.signalCode };
}

/** Control files of sandboxes that the keeper lends. */
function groupsOf({ instance, host }: ServerPlan['ground']): string[] {
  const mounts = new Set(host.features.cgroup.controllers.values());
  return [...mounts].map((mount) => join(mount, 'ward', instance));
}

async function programOf({ show }: ShownPaths): Promise<{ readonly node: string; readonly program: string }> {
  const program = await show(checkout, 'checkout', 'ro');
  const { execPath } = process;
  if (execPath.startsWith(`${checkout}/`))
    return { program, node: join(program, execPath.slice(checkout.length)) };
  return { program, node: await show(execPath, 'node', 'ro') };
}

async function mkdirFor(folder: string, { uid, gid }: ServerAccount): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chown(folder, uid, gid);
}
