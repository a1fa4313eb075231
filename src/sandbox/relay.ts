/**
 * One small process that joins a TCP port of a sandbox's loopback and a Unix socket of the host, connection by
 * connection. It is in the sandbox's network namespace, and in no other namespace of it.
 *
 * The process only copies bytes. It runs with an id of the sandbox's own range, without capabilities, and the socket is
 * in a folder that only it and the host's user can enter. It ends before another sandbox gets the range of ids.
 */
import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault, messageOf, startCommand } from '../lib/index.ts';
import { sandboxFault } from './faults.ts';

export interface RelayPlace {
  /** The processes of the sandbox, as this process's pid namespace numbers them. */
  readonly pids: () => readonly number[];
  readonly hasEnded: () => boolean;
  /** A folder for the socket alone, which is removed with the sandbox. */
  readonly dir: string;
  /** User and group of the process that enters: an id that no other process has. */
  readonly ownerId: number;
  /** The user on the host's side of the socket. */
  readonly userId: number;
}

export interface Relay {
  readonly pid: number | undefined;
  /** Settles when it has written something to its stdout, or has ended. */
  readonly spoken: Promise<void>;
  /** Why it ended; undefined while it runs. */
  readonly said: () => string | undefined;
  readonly ended: Promise<void>;
  /** Ends it with every connection. */
  end(): Promise<void>;
}

/** How long a relay may take to get ready, and the sandbox to have a network namespace. */
export const relayPatienceMs = 10_000;
export const relayPauseMs = 2;
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/**
 * Makes the folder of the socket. `made`: the relay makes the socket in it; `entered`: the host's user does.
 * @throws Fault PORT_UNREACHABLE
 */
export async function makeRelayFolder(place: RelayPlace, socketIs: 'made' | 'entered'): Promise<string> {
  const { dir, ownerId, userId } = place;
  try {
    await mkdir(dir, { mode: 0o700 });
    await chown(dir, userId, ownerId);
    await chmod(dir, socketIs === 'made' ? 0o770 : 0o750);
  } catch (error) {
    throw unreachable(place.hasEnded() ? 'the sandbox has ended' : messageOf(error), error);
  }
  return dir;
}

/** Starts the relay, whose folder must exist. @throws Fault PORT_UNREACHABLE */
export async function startRelay(place: RelayPlace, argv: readonly string[]): Promise<Relay> {
  const { ownerId, hasEnded } = place;
  const namespace = await networkNamespace(place);
  try {
    if (hasEnded()) throw unreachable('the sandbox has ended');
    return enter(namespace, ownerId, argv);
  } catch (error) {
    throw isFault(error) ? error : unreachable(messageOf(error), error);
  } finally {
    closeSync(namespace);
  }
}

export function unreachable(why: string, cause?: unknown) {
  return sandboxFault('PORT_UNREACHABLE', `can't reach a port of the sandbox: ${why}`, {
    hint: 'apt-get install socat util-linux perl-base',
    ...(cause === undefined ? {} : { cause }),
  });
}

function enter(namespace: number, ownerId: number, relay: readonly string[]): Relay {
  // Passes the namespace as fd 3: by the time that a path with a pid is opened, the pid could be a stranger's.
  const argv = [
    ...['nsenter', '--net=/proc/self/fd/3', '--'],
    ...['setpriv', '--reuid', String(ownerId), '--regid', String(ownerId), '--clear-groups'],
    ...['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--'],
    ...relay,
  ];
  // A process group of its own, so that its children, one for each connection, end with it.
  const child = startCommand(argv, { stdio: ['ignore', 'pipe', 'pipe', namespace], env, detached: true });
  let text = '';
  let said: string | undefined;
  child.stderr?.on('data', (chunk: Buffer) => {
    text = `${text}${chunk}`.slice(-500);
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const end = (why: string) => {
    said ??= why;
    resolve();
  };
  child.once('error', (error) => end(error.message));
  child.once('exit', (code, signal) => end(text.trim() || `its relay ended with ${code ?? signal}`));
  const spoken = Promise.withResolvers<void>();
  child.stdout?.on('data', () => spoken.resolve());
  void ended.then(spoken.resolve);
  return {
    pid: child.pid,
    spoken: spoken.promise,
    said: () => said,
    ended,
    async end() {
      killGroup(child);
      await ended;
    },
  };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Waits until the sandbox has a network namespace, and returns a descriptor of it. */
async function networkNamespace({ pids, hasEnded }: RelayPlace): Promise<number> {
  const patience = performance.now() + relayPatienceMs;
  for (;;) {
    if (hasEnded()) throw unreachable('the sandbox has ended');
    const found = findNamespace(pids);
    if (found !== undefined) return found;
    if (performance.now() > patience) throw unreachable('the sandbox has no network namespace');
    await sleep(relayPauseMs);
  }
}

function findNamespace(pids: () => readonly number[]): number | undefined {
  const own = statSync('/proc/self/ns/net').ino;
  for (const pid of pids()) {
    const descriptor = openNamespace(pid);
    if (descriptor === undefined) continue;
    // The runtime's own process is in the group before it leaves this network namespace. And a pid that is still in the
    // group now was the sandbox's when its namespace was opened.
    if (fstatSync(descriptor).ino !== own && pids().includes(pid)) return descriptor;
    closeSync(descriptor);
  }
  return undefined;
}

function openNamespace(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/ns/net`, 'r');
  } catch {
    // It has ended.
    return undefined;
  }
}
