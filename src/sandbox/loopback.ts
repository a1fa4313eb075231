/**
 * Leads from the host to a TCP port of a sandbox's own loopback, for programs that speak over a port instead of the
 * channel. A sandbox has no network device but `lo`, and gets no other: a relay joins a Unix socket of the host to that
 * port.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, messageOf } from '../lib/index.ts';
import {
  makeRelayFolder,
  type RelayPlace,
  relayPatienceMs,
  relayPauseMs,
  startRelay,
  unreachable,
} from './relay.ts';
import type { WayIn } from './types.ts';

interface OpenWayIn extends WayIn {
  /** Ends its process and every connection. Never rejects. */
  end(): Promise<void>;
}

/** Starts the relay; its socket may not exist yet. @throws Fault PORT_UNREACHABLE */
export async function startWayIn(place: RelayPlace, port: number): Promise<OpenWayIn> {
  const path = join(await makeRelayFolder(place, 'made'), 'port');
  const relay = await startRelay(place, socatArgv(port, path));
  return { path, said: relay.said, ended: relay.ended, end: relay.end };
}

function socatArgv(port: number, path: string): string[] {
  return [
    // Its folder decides which users may connect.
    ...['socat', '-b', '65536', `UNIX-LISTEN:${path},fork,mode=666,backlog=128`],
    // Waits here for a program that is still starting; the client gives up when it has waited long enough.
    `TCP4:127.0.0.1:${port},forever,interval=0.01,nodelay`,
  ];
}

/** Errors of a socket that does not exist, does not listen, or does not have its mode yet. */
const early: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'EACCES']);

/** Connects from the host's side. @throws Fault PORT_UNREACHABLE */
export async function connectThrough(
  { path, said }: Pick<WayIn, 'path' | 'said'>,
  hasEnded: () => boolean,
): Promise<Socket> {
  const patience = performance.now() + relayPatienceMs;
  for (;;) {
    try {
      return await connected(path);
    } catch (error) {
      const isEarly = early.has(errnoOf(error) ?? '');
      if (!isEarly || said() !== undefined || hasEnded() || performance.now() > patience) {
        throw unreachable(said() ?? messageOf(error), error);
      }
    }
    await sleep(relayPauseMs);
  }
}

async function connected(path: string): Promise<Socket> {
  const socket = createConnection({ path });
  await once(socket, 'connect');
  // It may break before a caller listens to it; an unheard 'error' event would end Ward.
  socket.on('error', () => {});
  return socket;
}
