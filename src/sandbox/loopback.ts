/**
 * The way from the host to a TCP port of a sandbox's own loopback, for programs that speak over a port instead of
 * the channel. A sandbox has no network device but `lo`, and gets none: one small process (socat) enters its network
 * namespace, and nothing else of it, and joins a Unix socket of the host to that port, connection by connection.
 *
 * The process only copies bytes. It runs as an id of the sandbox's own range, without capabilities, and the socket
 * lies in a folder that only it and root can enter. It ends before the range of ids goes to another sandbox.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, isFault, messageOf, startCommand } from '../lib/index.ts';
import { sandboxFault } from './faults.ts';
import type { LoopbackPort } from './types.ts';

export interface LoopbackOptions {
  readonly port: number;
  /** The processes of the sandbox, as this process's pid namespace numbers them. */
  readonly pids: () => readonly number[];
  readonly hasEnded: () => boolean;
  /** A folder that is made for the socket, and removed with the sandbox. */
  readonly dir: string;
  /** User and group of the process that enters: an id that is nobody else's. */
  readonly ownerId: number;
}

export interface OpenLoopback extends LoopbackPort {
  /** Ends its process and every connection. Idempotent; never rejects. */
  close(): Promise<void>;
}

/** How long the program may take to make its socket, and the sandbox to have a network namespace. */
const patienceMs = 10_000;
const pauseMs = 2;
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

export function openLoopback(options: LoopbackOptions): OpenLoopback {
  let isClosed = false;
  const relay = startRelay(options, () => isClosed || options.hasEnded());
  // Whoever connects is told.
  relay.catch(() => {});
  return {
    connect: async () => (await relay).connect(),
    async close() {
      isClosed = true;
      await relay.then(
        ({ end }) => end(),
        () => {},
      );
    },
  };
}

interface Relay {
  connect(): Promise<Socket>;
  end(): Promise<void>;
}

async function startRelay(options: LoopbackOptions, hasEnded: () => boolean): Promise<Relay> {
  const namespace = await networkNamespace(options.pids, hasEnded);
  try {
    await mkdir(options.dir, { mode: 0o700 });
    await chown(options.dir, options.ownerId, options.ownerId);
    if (hasEnded()) throw unreachable('the sandbox has ended');
    return superviseRelay(options, namespace, hasEnded);
  } catch (error) {
    throw isFault(error) ? error : unreachable(messageOf(error), error);
  } finally {
    closeSync(namespace);
  }
}

function superviseRelay(options: LoopbackOptions, namespace: number, hasEnded: () => boolean): Relay {
  const path = join(options.dir, 'port');
  // A group of its own, so that its children, one a connection, end with it.
  const child = startCommand(relayArgv(options, path), {
    stdio: ['ignore', 'ignore', 'pipe', namespace],
    env,
    detached: true,
  });
  const end = endOf(child);
  const connect = async (): Promise<Socket> => {
    const patience = performance.now() + patienceMs;
    for (;;) {
      try {
        return await connected(path);
      } catch (error) {
        const isEarly = ['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '');
        if (!isEarly || end.said !== undefined || hasEnded() || performance.now() > patience) {
          throw unreachable(end.said ?? messageOf(error), error);
        }
      }
      await sleep(pauseMs);
    }
  };
  return {
    connect,
    async end() {
      killGroup(child);
      await end.reached;
    },
  };
}

/** The namespace is handed over as fd 3: a pid could be a stranger's by the time that its name is read again. */
function relayArgv({ port, ownerId }: LoopbackOptions, path: string): string[] {
  return [
    ...['nsenter', '--net=/proc/self/fd/3', '--'],
    ...['setpriv', '--reuid', String(ownerId), '--regid', String(ownerId), '--clear-groups'],
    ...['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--'],
    ...['socat', '-b', '65536', `UNIX-LISTEN:${path},fork,mode=600,backlog=128`],
    // A program that is still starting is waited for here; whoever connected gives up when it has waited enough.
    `TCP4:127.0.0.1:${port},forever,interval=0.01,nodelay`,
  ];
}

interface End {
  /** Why it ended; undefined while it has not. */
  said: string | undefined;
  readonly reached: Promise<void>;
}

function endOf(child: ChildProcess): End {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text = `${text}${chunk}`.slice(-500);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const end: End = { said: undefined, reached: promise };
  const reach = (why: string) => {
    end.said ??= why;
    resolve();
  };
  child.once('error', (error) => reach(error.message));
  child.once('exit', (code, signal) => reach(text.trim() || `socat ended with ${code ?? signal}`));
  return end;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function connected(path: string): Promise<Socket> {
  const socket = createConnection({ path });
  await once(socket, 'connect');
  // It may break before anybody listens to it; an unheard 'error' event would end Ward.
  socket.on('error', () => {});
  return socket;
}

/** A descriptor of the sandbox's network namespace, once it has one. */
async function networkNamespace(pids: () => readonly number[], hasEnded: () => boolean): Promise<number> {
  const patience = performance.now() + patienceMs;
  for (;;) {
    if (hasEnded()) throw unreachable('the sandbox has ended');
    const found = findNamespace(pids);
    if (found !== undefined) return found;
    if (performance.now() > patience) throw unreachable('the sandbox has no network namespace');
    await sleep(pauseMs);
  }
}

function findNamespace(pids: () => readonly number[]): number | undefined {
  const own = statSync('/proc/self/ns/net').ino;
  for (const pid of pids()) {
    const descriptor = openNamespace(pid);
    if (descriptor === undefined) continue;
    // The runtime's own process is in the group before it has left ours. And a pid that is still in the group now
    // was the sandbox's when it was opened.
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

function unreachable(why: string, cause?: unknown) {
  return sandboxFault('PORT_UNREACHABLE', `no way to a port of the sandbox: ${why}`, {
    hint: 'apt-get install socat util-linux',
    ...(cause === undefined ? {} : { cause }),
  });
}
