/** Starts a runtime's process and gives Ward its streams and its end. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { startCommand } from '../lib/index.ts';
import { sandboxFault } from './faults.ts';

export type RuntimeExit = readonly [code: number | null, signal: NodeJS.Signals | null];

/** Ward's ends of a runtime's streams. */
export interface RuntimeStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Descriptor 3 of the runtime. */
  readonly channel: Duplex | undefined;
}

/** The whole environment of a runtime: it would use NOTIFY_SOCKET, XDG_RUNTIME_DIR and others of Ward's. */
export const runtimeEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

export interface RuntimeProcess {
  readonly exited: Promise<RuntimeExit>;
  /** Does nothing when the process has ended. */
  kill(): void;
}

export interface RuntimeCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly hasChannel: boolean;
}

/** @throws Fault SANDBOX_START_FAILED, or COMMAND_FAILED */
export type StartRuntime<Started extends RuntimeProcess> = (command: RuntimeCommand) => Promise<Started>;

/** Starts a runtime as a child of this process. */
export const startDirectly: StartRuntime<RuntimeProcess & RuntimeStreams> = async ({
  argv,
  cwd,
  env,
  hasChannel,
}) => {
  const child = startCommand(argv, {
    cwd,
    env,
    // Don't pass the host's /dev/null: crun would change its owner.
    stdio: hasChannel ? ['pipe', 'pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe'],
    // Runtimes pass signals on to the program inside, which has to outlive a ^C until Ward has drained.
    detached: true,
  });
  await once(child, 'spawn');
  return runtimeProcessOf(child, hasChannel);
};

/** Wraps a child of this process as a runtime's process. Its first streams and its descriptor 3 are pipes. */
export function runtimeProcessOf(child: ChildProcess, hasChannel: boolean): RuntimeProcess & RuntimeStreams {
  const { stdin, stdout, stderr } = child;
  const channel = hasChannel ? child.stdio[3] : undefined;
  if (stdin === null || stdout === null || stderr === null) {
    throw sandboxFault('SANDBOX_START_FAILED', 'the runtime was started without pipes');
  }
  if (hasChannel && !(channel instanceof Duplex)) {
    throw sandboxFault('SANDBOX_START_FAILED', 'the runtime was started without a channel');
  }
  return {
    ...{ stdin, stdout, stderr },
    channel: channel instanceof Duplex ? channel : undefined,
    exited: exitOf(child),
    kill: () => child.kill('SIGKILL'),
  };
}

/** Settles when the process has ended. */
export async function exitOf(child: ChildProcess): Promise<RuntimeExit> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return [child.exitCode, child.signalCode];
}
