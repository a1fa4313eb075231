/**
 * The ways of a node to the engines: proxies that can be broken for this node alone. A broken line keeps connections
 * open, and passes nothing on, as a network does that loses everything. A refusing one ends them.
 */
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { blobsAt, type EngineSettings, type Engines } from './engines.ts';
import { pass, portOf } from './sockets.ts';

export const engineNames = ['store', 'bus', 'blobs'] as const;
export type EngineName = (typeof engineNames)[number];
export type LinkState = 'open' | 'silent' | 'refusing';

export interface Links extends AsyncDisposable {
  /** By which the node reaches the engines. */
  readonly settings: EngineSettings;
  set(state: LinkState, ...engines: readonly EngineName[]): void;
}

/** Opens the ways of one node. */
export async function openLinks({ postgres, nats, moto }: Engines): Promise<Links> {
  const all: (Link & { readonly engine: EngineName })[] = [];
  const open = async (engine: EngineName, to: NetConnectOpts): Promise<string> => {
    const link = await openLink(to);
    all.push({ ...link, engine });
    return `127.0.0.1:${link.port}`;
  };
  const store = await open('store', { path: postgres.socket });
  const buses: string[] = [];
  for (const address of nats.setting.split(',')) buses.push(`nats://${await open('bus', tcp(address))}`);
  const blobs = blobsAt(`http://${await open('blobs', tcp(moto.url))}`);
  return {
    settings: { store: `postgres://ward@${store}/ward`, bus: buses.join(','), blobs },
    set(state, ...engines) {
      for (const link of all) if (engines.includes(link.engine)) link.set(state);
    },
    async [Symbol.asyncDispose]() {
      for (const link of all) link.close();
    },
  };
}

interface Link {
  readonly port: number;
  set(state: LinkState): void;
  close(): void;
}

async function openLink(to: NetConnectOpts): Promise<Link> {
  let state: LinkState = 'open';
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    if (state === 'refusing') {
      from.destroy();
      return;
    }
    const on = connect(to);
    for (const socket of [from, on]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    pass(from, on);
    if (state === 'silent') for (const socket of [from, on]) hush(socket);
  });
  await portOf(server);
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      state = next;
      for (const socket of sockets)
        if (next === 'refusing') socket.destroy();
        else if (next === 'silent') hush(socket);
        else socket.uncork();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What is written to it waits. */
function hush(socket: Socket): void {
  if (socket.writableCorked === 0) socket.cork();
}

function tcp(address: string): NetConnectOpts {
  const { hostname, port } = new URL(address);
  return { host: hostname, port: Number(port) };
}
