/**
 * Starts the unprivileged half of Ward as root and waits for its end: the server of `ward up`, or the other half of a
 * command run by hand.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { findWalls, type ServerProcessPlan, serverArgv, serverMark } from '../../keeper/index.ts';
import { startCommand, systemCallFilterHere } from '../../lib/index.ts';
import { checkout } from '../build-info.ts';
import type { ServerAccount } from '../instance/account.ts';
import type { ShownPaths } from '../instance/shown-paths.ts';

export interface HalfEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface HalfProcess extends AsyncDisposable {
  readonly pid: number;
  /** Channel to the half. */
  readonly channel: Duplex;
  readonly ended: Promise<HalfEnd>;
}

interface HalfPlan {
  readonly shown: ShownPaths;
  /** Folder of the instance, below /run. */
  readonly ownDir: string;
  /** @param programs files that the half runs from */
  rights(programs: readonly string[]): Omit<ServerProcessPlan, 'filterFile' | 'argv'>;
  readonly nodeFlags?: readonly string[];
  /** Arguments of Ward's command line. */
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Descriptors passed on as 4, 5, … */
  readonly descriptors?: readonly number[];
}

export async function startHalf(plan: HalfPlan): Promise<HalfProcess> {
  const { node, program } = await programOf(plan.shown);
  const filterFile = join(plan.ownDir, 'server.bpf');
  await writeFile(filterFile, systemCallFilterHere(), { mode: 0o600 });
  const argv = serverArgv(
    {
      ...plan.rights([program, node]),
      filterFile,
      argv: [node, ...(plan.nodeFlags ?? []), join(program, 'bin/ward.mjs'), ...plan.words],
    },
    await findWalls(filterFile),
  );
  const child = startCommand(argv, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', ...(plan.descriptors ?? [])],
    env: { ...plan.env, ...serverMark, HOME: '/nonexistent' },
    ...(plan.cwd === undefined ? {} : { cwd: plan.cwd }),
  });
  await once(child, 'spawn');
  forwardSignals(child);
  return {
    pid: child.pid ?? 0,
    channel: channelOf(child),
    ended: endOf(child),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await endOf(child);
    },
  };
}

/** Creates a folder that only the account can enter. */
export async function mkdirFor(folder: string, { uid, gid }: ServerAccount): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chown(folder, uid, gid);
}

/**
 * The half may also get signals from a terminal or a service manager, and counts both as one. This process ends only
 * after everything it created is removed, even if it gets further signals meanwhile.
 */
function forwardSignals(child: ChildProcess): void {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void child.kill(name));
}

function channelOf(child: ChildProcess): Duplex {
  const channel = child.stdio[3];
  if (channel instanceof Duplex) return channel;
  throw new TypeError('a process was started without a channel for its requests');
}

async function endOf(child: ChildProcess): Promise<HalfEnd> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { code: child.exitCode, signal: child.signalCode };
}

async function programOf({ show }: ShownPaths): Promise<{ readonly node: string; readonly program: string }> {
  const program = await show(checkout, 'checkout', 'ro');
  const { execPath } = process;
  if (execPath.startsWith(`${checkout}/`))
    return { program, node: join(program, execPath.slice(checkout.length)) };
  return { program, node: await show(execPath, 'node', 'ro') };
}
