/**
 * A TCP port of a sandbox's own loopback that leads to the host: the mirror image of `loopback.ts`. A relay listens
 * in the sandbox's network namespace and joins each connection to a Unix socket that only this sandbox's relay can
 * reach, so the socket says which sandbox is asking, and nothing that the sandbox says is needed for that.
 *
 * The sandbox decides how much the relay has to do. So the relay is in the sandbox's control group: its processor time
 * and its memory are the sandbox's, it stands still when the sandbox does, and it is killed with it. It is a program of
 * Ward's own, because socat forks for each connection: socat counts its children loosely and ends when it can't fork.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type RelayPlace, startRelay, unreachable } from './relay.ts';
import type { ServedPort, ServePort } from './types.ts';

export interface ServedPortOptions extends RelayPlace, ServePort {
  /** Makes the sandbox pay for a process. */
  readonly account: (pid: number) => void;
  /** Its process has ended by itself, once it was ready: nothing comes through any more. */
  readonly onLost: () => void;
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
  const relay = startRelay({ ...options, hasEnded }, relayArgv(options, path), async () => {
    await listen(server, path);
    await chown(path, ownerId, ownerId);
  });
  const ready = relay.then(async ({ pid, spoken, said }) => {
    if (pid !== undefined) options.account(pid);
    await spoken;
    const why = said();
    if (why !== undefined) throw unreachable(why);
  });
  const lost = async () => {
    await ready;
    await (await relay).ended;
    if (!hasEnded()) options.onLost();
  };
  // Who waits for it is told.
  lost().catch(() => {});
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

/** Handed over as text: the relay's user may not read the folders that Ward lies in. */
const program = readFileSync(join(import.meta.dirname, 'served-port.pl'), 'utf8');

function relayArgv({ port, connections }: ServePort, path: string): string[] {
  return ['perl', '-e', program, String(port), path, String(connections)];
}

async function listen(server: Server, path: string): Promise<void> {
  server.listen({ path, backlog: 256 });
  await once(server, 'listening');
}
