/**
 * The way from the host to a TCP port of a sandbox's own loopback, for programs that speak over a port instead of
 * the channel. A sandbox has no network device but `lo`, and gets none: a relay joins a Unix socket of the host to
 * that port.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, messageOf } from '../lib/index.ts';
import {
  type Relay,
  type RelayPlace,
  relayPatienceMs,
  relayPauseMs,
  startRelay,
  unreachable,
} from './relay.ts';
import type { LoopbackPort } from './types.ts';

export interface LoopbackOptions extends RelayPlace {
  readonly port: number;
}

export interface OpenLoopback extends LoopbackPort {
  /** Ends its process and every connection. Idempotent; never rejects. */
  close(): Promise<void>;
}

export function openLoopback(options: LoopbackOptions): OpenLoopback {
  let isClosed = false;
  const hasEnded = () => isClosed || options.hasEnded();
  const path = join(options.dir, 'port');
  const relay = startRelay({ ...options, hasEnded }, socatArgv(options.port, path));
  // Whoever connects is told.
  relay.catch(() => {});
  return {
    connect: async () => connect(path, await relay, hasEnded),
    async close() {
      isClosed = true;
      await relay.then(
        ({ end }) => end(),
        () => {},
      );
    },
  };
}

function socatArgv(port: number, path: string): string[] {
  return [
    ...['socat', '-b', '65536', `UNIX-LISTEN:${path},fork,mode=600,backlog=128`],
    // A program that is still starting is waited for here; whoever connected gives up when it has waited enough.
    `TCP4:127.0.0.1:${port},forever,interval=0.01,nodelay`,
  ];
}

async function connect(path: string, { said }: Relay, hasEnded: () => boolean): Promise<Socket> {
  const patience = performance.now() + relayPatienceMs;
  for (;;) {
    try {
      return await connected(path);
    } catch (error) {
      const isEarly = ['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '');
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
  // It may break before anybody listens to it; an unheard 'error' event would end Ward.
  socket.on('error', () => {});
  return socket;
}
