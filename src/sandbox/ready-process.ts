/**
 * A process that waits to become a runtime. Forking this process, and starting the program that sets what a sandbox
 * inherits, takes longer than all other steps before the runtime's. So Ward does it before a call waits for it.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { Writable } from 'node:stream';
import { startCommand } from '../lib/index.ts';
import { sandboxFault } from './faults.ts';
import { waitingArgv, waitingWords } from './inherited.ts';
import {
  exitOf,
  type RuntimeCommand,
  type RuntimeExit,
  type RuntimeProcess,
  runtimeEnv,
} from './runtime-process.ts';

export interface ReadyProcess {
  /** Makes it the runtime of a command with a channel. Call it once. */
  become(command: Pick<RuntimeCommand, 'argv' | 'cwd'>): RuntimeProcess;
  /** Settles when it has ended, as a runtime or before. */
  readonly exited: Promise<RuntimeExit>;
  /** Ends it while it waits. */
  end(): void;
}

/**
 * @param streams its descriptors 0 to 3, which the caller keeps
 * @throws Fault SANDBOX_START_FAILED when it can't be started
 */
export async function startReady(streams: readonly Duplex[]): Promise<ReadyProcess> {
  const child = startCommand(waitingArgv, {
    env: runtimeEnv,
    cwd: '/',
    stdio: [...streams, 'pipe'],
    // Runtimes hand signals on to the program inside, which has to outlive a ^C until Ward has drained.
    detached: true,
  });
  await once(child, 'spawn').catch((cause: unknown) => {
    throw sandboxFault('SANDBOX_START_FAILED', 'no process could be prepared', { cause });
  });
  return readyProcess(child, streams.length);
}

function readyProcess(child: ChildProcess, descriptor: number): ReadyProcess {
  const line = child.stdio[descriptor];
  if (!(line instanceof Writable)) {
    throw sandboxFault('SANDBOX_START_FAILED', 'a process was prepared without a pipe');
  }
  // It may have ended; its exit says so.
  line.on('error', () => {});
  const exited = exitOf(child);
  return {
    exited,
    become({ argv, cwd }) {
      line.end([cwd, ...waitingWords(argv), 'end'].join('\0'));
      return { exited, kill: () => void child.kill('SIGKILL') };
    },
    end: () => line.destroy(),
  };
}
