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
import { chmod } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Relay, type RelayPlace, startRelay, unreachable } from './relay.ts';
import type { ServePort } from './types.ts';

/** The host's half: hears of each connection that the relay brings. */
export interface RelayEntrance {
  /** Ends every connection, and takes none. */
  shut(): void;
  reopen(): void;
  /** For good. Idempotent. */
  close(): void;
}

const socketIn = (folder: string): string => join(folder, 'socket');

/** @param folder one that only the relay can enter */
export async function openEntrance(
  folder: string,
  { connections, onConnection }: Pick<ServePort, 'connections' | 'onConnection'>,
): Promise<RelayEntrance> {
  const sockets = new Set<Socket>();
  let isShut = false;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    // It may break before anybody listens to it; an unheard 'error' event would end Ward.
    socket.on('error', () => {});
    if (isShut) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  // The relay sees the end of a connection before this side does.
  server.maxConnections = 2 * connections;
  server.listen({ path: socketIn(folder), backlog: 256 });
  await once(server, 'listening');
  await chmod(socketIn(folder), 0o666);
  const shut = () => {
    isShut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    shut,
    reopen() {
      isShut = false;
    },
    close() {
      shut();
      server.close();
    },
  };
}

/**
 * The relay's half; the entrance is open. Settles when connections are taken.
 * @param account makes the sandbox pay for a process
 * @throws Fault PORT_UNREACHABLE
 */
export async function startServing(
  place: RelayPlace,
  port: Pick<ServePort, 'port' | 'connections'>,
  account: (pid: number) => void,
): Promise<Relay> {
  const relay = await startRelay(place, relayArgv(port, socketIn(place.dir)));
  if (relay.pid !== undefined) account(relay.pid);
  await relay.spoken;
  const why = relay.said();
  if (why !== undefined) throw unreachable(why);
  return relay;
}

/** Handed over as text: the relay's user may not read the folders that Ward lies in. */
const program = readFileSync(join(import.meta.dirname, 'served-port.pl'), 'utf8');

function relayArgv({ port, connections }: Pick<ServePort, 'port' | 'connections'>, path: string): string[] {
  return ['perl', '-e', program, String(port), path, String(connections)];
}
