/**
 * A TCP port of a sandbox's own loopback that leads to the host: the opposite direction of `loopback.ts`. A relay
 * listens in the sandbox's network namespace and connects each client to a Unix socket that only this sandbox's relay
 * can reach. So the socket identifies the sandbox, which can't pose as another one.
 *
 * The sandbox decides how much work the relay has. So the relay is in the sandbox's control group: its processor time
 * and memory count for the sandbox, it freezes with the sandbox, and it is killed with it. It is a program of Ward's
 * own, because socat forks for each connection, counts its children only roughly, and ends when it can't fork.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Relay, type RelayPlace, startRelay, unreachable } from './relay.ts';
import type { ServePort } from './types.ts';

/** The host's end: receives each connection from the relay. */
export interface RelayEntrance {
  /** Ends every connection, and accepts no new ones. */
  shut(): void;
  reopen(): void;
  /** Closes it permanently. Idempotent. */
  close(): void;
}

const socketIn = (folder: string): string => join(folder, 'socket');

/** @param folder A folder that only the relay can enter. */
export async function openEntrance(
  folder: string,
  { connections, onConnection }: Pick<ServePort, 'connections' | 'onConnection'>,
): Promise<RelayEntrance> {
  const sockets = new Set<Socket>();
  let isShut = false;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    // The socket may break before a caller listens to it; an unheard 'error' event would end Ward.
    socket.on('error', () => {});
    if (isShut) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  // The relay notices the end of a connection before this side does.
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
 * Starts the relay; the host's end must be open. Settles when the relay accepts connections.
 * @param account Adds a process to the sandbox's control group.
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

/** Passed as text: the relay's user may not be able to read Ward's folders. */
const program = readFileSync(join(import.meta.dirname, 'served-port.pl'), 'utf8');

function relayArgv({ port, connections }: Pick<ServePort, 'port' | 'connections'>, path: string): string[] {
  return ['perl', '-e', program, String(port), path, String(connections)];
}
