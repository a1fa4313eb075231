/**
 * The ways of a node to the engines, and of an invoker to API nodes: proxies that can be broken for this node alone. A broken line keeps connections
 * open, and passes nothing on, as a network does that loses everything. A refusing one ends them, and a slow one passes
 * everything on late.
 */
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { blobsAt, type EngineSettings, type Engines } from './engines.ts';
import { pass, portOf } from './sockets.ts';

export const engineNames = ['store', 'bus', 'blobs'] as const;
export type EngineName = (typeof engineNames)[number];
/** Every way of a node. */
export const wayNames = [...engineNames, 'api'] as const;
export type WayName = (typeof wayNames)[number];
export type LinkState = 'open' | 'silent' | 'refusing' | 'slow';

/** Longest delay of what a line passes on, in milliseconds. A bucket is never as near as it is here. */
const delays: Readonly<Record<'open' | 'slow', Readonly<Record<WayName, number>>>> = {
  open: { store: 0, bus: 0, blobs: 60, api: 0 },
  slow: { store: 8, bus: 0, blobs: 300, api: 0 },
};

export interface Links extends AsyncDisposable {
  /** By which the node reaches the engines. */
  readonly settings: EngineSettings;
  /** By which an invoker reaches the API nodes. */
  readonly apis: readonly string[];
  set(state: LinkState, ...ways: readonly WayName[]): void;
  /** The ways to these servers of NATS alone. */
  setBuses(state: LinkState, servers: readonly number[]): void;
  /** Whether the node has a connection to one of these servers of NATS. */
  usesBus(servers: readonly number[]): boolean;
}

/**
 * Opens the ways of one node.
 * @param apiUrls of the API nodes now; a new start changes them
 * @param keeps whether a line must not pass this piece on
 */
export async function openLinks(
  { postgres, nats, moto }: Engines,
  apiUrls: readonly (() => string)[],
  keeps: (piece: Buffer) => boolean,
): Promise<Links> {
  const all: { readonly link: Link; readonly way: WayName }[] = [];
  const open = async (way: WayName, to: () => NetConnectOpts): Promise<string> => {
    const link = await openLink(to, (isSlow) => delays[isSlow ? 'slow' : 'open'][way], keeps);
    all.push({ link, way });
    return `127.0.0.1:${link.port}`;
  };
  const store = await open('store', () => ({ path: postgres.socket }));
  const buses: string[] = [];
  for (const address of nats.setting.split(','))
    buses.push(`nats://${await open('bus', () => tcp(address))}`);
  const blobs = blobsAt(`http://${await open('blobs', () => tcp(moto.url))}`);
  const apis: string[] = [];
  for (const url of apiUrls) apis.push(`http://${await open('api', () => tcp(url()))}`);
  const busesTo = (servers: readonly number[]) =>
    all.filter(({ way }) => way === 'bus').filter((_, index) => servers.includes(index));
  return {
    settings: { store: `postgres://ward@${store}/ward`, bus: buses.join(','), blobs },
    apis,
    set(state, ...ways) {
      for (const { link, way } of all) if (ways.includes(way)) link.set(state);
    },
    setBuses(state, servers) {
      for (const { link } of busesTo(servers)) link.set(state);
    },
    usesBus: (servers) => busesTo(servers).some(({ link }) => link.isUsed),
    async [Symbol.asyncDispose]() {
      for (const { link } of all) link.close();
    },
  };
}

export interface Link {
  readonly port: number;
  /** It has connections. */
  readonly isUsed: boolean;
  set(state: LinkState): void;
  close(): void;
}

/**
 * @param mostMs longest delay of what it passes on, by whether it is slow
 * @param keeps whether it must not pass this piece on
 */
export async function openLink(
  to: () => NetConnectOpts,
  mostMs: (isSlow: boolean) => number = () => 0,
  keeps: (piece: Buffer) => boolean = () => false,
): Promise<Link> {
  let state: LinkState = 'open';
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    if (state === 'refusing') {
      from.destroy();
      return;
    }
    const on = connect(to());
    for (const socket of [from, on]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    pass(from, on, () => between(() => Math.random() * mostMs(state === 'slow'), keeps));
    if (state === 'silent') for (const socket of [from, on]) hush(socket);
  });
  await portOf(server);
  return {
    port: (server.address() as AddressInfo).port,
    get isUsed() {
      return sockets.size > 0;
    },
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

/** Passes each piece on after this time, but for those that it keeps. */
function between(delayMs: () => number, keeps: (piece: Buffer) => boolean): Transform {
  return new Transform({
    async transform(piece, _, done) {
      if (keeps(piece)) return done();
      const ms = delayMs();
      if (ms > 0) await pause(ms);
      done(null, piece);
    },
  });
}

/** What is written to it waits. */
function hush(socket: Socket): void {
  if (socket.writableCorked === 0) socket.cork();
}

function tcp(address: string): NetConnectOpts {
  const { hostname, port } = new URL(address);
  return { host: hostname, port: Number(port) };
}
