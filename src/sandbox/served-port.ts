/**
 * A TCP port of a sandbox's own loopback that leads to the host: the mirror image of `loopback.ts`. A relay listens
 * in the sandbox's network namespace and joins each connection to a Unix socket that only this sandbox's relay can
 * reach, so the socket says which sandbox is asking, and nothing that the sandbox says is needed for that.
 *
 * How often the relay works is the sandbox's to say. So it is in the sandbox's control group: its processor time, its
 * memory and its processes are the sandbox's, it stands still when the sandbox does, and it is killed with it.
 */
import { once } from 'node:events';
import { chown, readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Relay, type RelayPlace, relayPatienceMs, startRelay, unreachable } from './relay.ts';
import type { ServedPort, ServePort } from './types.ts';

export interface ServedPortOptions extends RelayPlace, ServePort {
  /** Makes the sandbox pay for a process. */
  readonly account: (pid: number) => void;
}

export interface OpenServedPort extends ServedPort {
  /** Ends every connection, and takes none. */
  shut(): void;
  reopen(): void;
  /** Ends its process and every connection. Idempotent; never rejects. */
  close(): Promise<void>;
}

export function servePort(options: ServedPortOptions): OpenServedPort {
  const { dir, ownerId, onConnection } = options;
  const path = join(dir, 'socket');
  const sockets = new Set<Socket>();
  let isShut = false;
  let isClosed = false;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    // It may break before anybody listens to it; an unheard 'error' event would end Ward.
    socket.on('error', () => {});
    if (isShut || isClosed) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  // The relay sees the end of a connection before this side does.
  server.maxConnections = 2 * options.connections;
  const hasEnded = () => isClosed || options.hasEnded();
  const relay = startRelay({ ...options, hasEnded }, socatArgs(options, path), async () => {
    await listen(server, path);
    await chown(path, ownerId, ownerId);
  });
  const ready = relay.then(async (started) => {
    if (started.pid !== undefined) options.account(started.pid);
    await listening(started, options.port, hasEnded);
  });
  // Whoever waits for it is told.
  ready.catch(() => {});
  const shut = () => {
    isShut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    ready,
    shut,
    reopen() {
      isShut = false;
    },
    async close() {
      isClosed = true;
      shut();
      server.close();
      await relay.then(
        ({ end }) => end(),
        () => {},
      );
    },
  };
}

function socatArgs({ port, connections }: ServePort, path: string): string[] {
  return [
    ...['-b', '16384'],
    `TCP4-LISTEN:${port},bind=127.0.0.1,reuseaddr,nodelay,fork,max-children=${connections},backlog=256`,
    `UNIX-CONNECT:${path}`,
  ];
}

async function listen(server: Server, path: string): Promise<void> {
  server.listen({ path, backlog: 256 });
  await once(server, 'listening');
}

const pauseMs = 1;

async function listening(relay: Relay, port: number, hasEnded: () => boolean): Promise<void> {
  const patience = performance.now() + relayPatienceMs;
  while (!(await isListening(relay, port))) {
    const why = relay.said();
    if (why !== undefined) throw unreachable(why);
    if (hasEnded()) throw unreachable('the sandbox has ended');
    if (performance.now() > patience) throw unreachable(`nothing listens on port ${port} of it`);
    await sleep(pauseMs);
  }
}

/** What its network namespace says of the port (proc_pid_net(5); `0A` is LISTEN). */
async function isListening({ pid, hasEntered }: Relay, port: number): Promise<boolean> {
  if (!hasEntered()) return false;
  const table = await readFile(`/proc/${pid}/net/tcp`, 'latin1').catch(() => '');
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.includes(` ${address} 00000000:0000 0A `);
}
