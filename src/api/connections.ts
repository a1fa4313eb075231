/**
 * Decides which connection is closed when there are too many. A new one gets in as long as another one only waits:
 *
 * - An address gets a share of connections without a key. Beyond it, its longest waiting connection is closed.
 * - If there is no room, a connection without a key is closed, of the address that has most of them; if there is
 *   none, one with a key.
 *
 * A connection waits while it has no request, while its request is arriving, and while its client has not read the
 * answer. With a key it waits only between requests. A running call is never broken off, and neither is an event stream,
 * so namespaces have a limited number of these, alone and together. A trusted proxy limits its clients itself, so its connections are never closed.
 * If none can be closed, the new one is.
 *
 * A connection of HTTP/2 can have many requests at the same time. Each of them beyond the first counts like a connection:
 * if there is no room for it, and no other connection can be closed, the request is refused.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { BlockList, isIPv6, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { limitStreams } from './open-streams.ts';
import { tcpSocketOf } from './secure/tcp-sockets.ts';
import { networkOf } from './web/client-network.ts';

interface ConnectionLimits {
  readonly connections: number;
  /** Connections without a key, of one IPv4 address or one network of 64 bits. */
  readonly connectionsPerAddress: number;
  readonly streamsPerNamespace: number;
}

interface Connection {
  readonly socket: Socket;
  /** Undefined for a trusted proxy. */
  readonly network: string | undefined;
  isGone: boolean;
  hasKey: boolean;
  /** Requests by their answers. */
  readonly underWay: Map<ServerResponse, IncomingMessage>;
}

interface Share {
  /** The longest inactive first. */
  readonly connections: Set<Connection>;
  /** Each connection takes one, or one for each of its requests. */
  places: number;
}

/** Shares by network. */
type Pool = Map<string, Share>;

/** Connections that the kernel may hand over before refused ones are gone. */
const burst = 256;

/**
 * Call it before all hooks and routes.
 * @param trusted addresses and networks of proxies
 */
export function shareConnections(
  app: FastifyInstance,
  limits: ConnectionLimits,
  trusted: readonly string[],
): void {
  const { server } = app;
  const isProxy = proxiesOf(trusted);
  const shares = new ConnectionShares(limits);
  limitStreams(app, limits);
  server.maxConnections = limits.connections + burst;
  const route = server.listeners('request') as ((...given: unknown[]) => void)[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (shares.begin(request, response)) for (const each of route) each.call(server, request, response);
  });
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    shares.admit(socket, isProxy(address) ? undefined : networkOf(address));
  });
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    const { access } = request.routeOptions.config;
    if (access !== undefined && access !== 'anyone' && access !== 'own-check')
      shares.vouchFor(request.raw.socket);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { config, url } = request.routeOptions;
    // The registry checks keys and tokens itself.
    const isRegistry = config.access === 'own-check' && url?.startsWith('/v2/') === true;
    if (isRegistry && request.headers.authorization !== undefined && reply.statusCode < 300)
      shares.vouchFor(request.raw.socket);
    done();
  });
}

class ConnectionShares {
  readonly #limits: ConnectionLimits;
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #keyless: Pool = new Map();
  readonly #keyed: Pool = new Map();
  #places = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** @param network undefined for a trusted proxy */
  admit(socket: Socket, network: string | undefined): void {
    if (!this.#makeRoom(network, false)) {
      socket.destroy();
      return;
    }
    const connection = { socket, network, isGone: false, hasKey: false, underWay: new Map() };
    this.#places++;
    this.#bySocket.set(socket, connection);
    this.#enter(connection);
    socket.once('close', () => this.#forget(connection));
  }

  /** Returns false for a request that it has refused. */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.#bySocket.get(tcpSocketOf(request.socket));
    if (connection === undefined) return true;
    const { network, hasKey, underWay } = connection;
    const stream = streamOf(request);
    if (stream !== undefined && underWay.size > 0 && !this.#makeRoom(network, hasKey)) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return false;
    }
    // It may have been the one that made room.
    if (connection.isGone) return false;
    this.#change(connection, () => underWay.set(response, request));
    response.once('close', () => this.#change(connection, () => underWay.delete(response)));
    return true;
  }

  vouchFor(socket: Socket): void {
    const connection = this.#bySocket.get(tcpSocketOf(socket));
    if (connection === undefined || connection.hasKey) return;
    this.#change(connection, () => {
      connection.hasKey = true;
    });
  }

  /** Closes a connection if there is no place left. Returns false when none can be closed. */
  #makeRoom(network: string | undefined, hasKey: boolean): boolean {
    const share = network === undefined || hasKey ? undefined : this.#keyless.get(network);
    const isOverShare = share !== undefined && share.places >= this.#limits.connectionsPerAddress;
    if (!isOverShare && this.#places < this.#limits.connections) return true;
    const victim = isOverShare ? oldestOf(share) : (oldestIn(this.#keyless) ?? oldestIn(this.#keyed));
    if (victim === undefined) return false;
    this.#forget(victim);
    victim.socket.destroy();
    return true;
  }

  /** Makes a change that can move the connection to another share, and counts its places anew. */
  #change(connection: Connection, change: () => void): void {
    this.#leave(connection);
    const before = placesOf(connection);
    change();
    if (!connection.isGone) this.#places += placesOf(connection) - before;
    this.#enter(connection);
  }

  /** Puts the connection at the end of its share, as the latest active one. */
  #enter(connection: Connection): void {
    const { network, isGone } = connection;
    if (network === undefined || isGone) return;
    const pool = this.#poolOf(connection);
    const share = pool.get(network) ?? { connections: new Set(), places: 0 };
    share.connections.add(connection);
    share.places += placesOf(connection);
    pool.set(network, share);
  }

  #leave(connection: Connection): void {
    const { network = '' } = connection;
    const pool = this.#poolOf(connection);
    const share = pool.get(network);
    if (share?.connections.delete(connection) !== true) return;
    share.places -= placesOf(connection);
    if (share.connections.size === 0) pool.delete(network);
  }

  #forget(connection: Connection): void {
    if (connection.isGone) return;
    this.#leave(connection);
    connection.isGone = true;
    this.#places -= placesOf(connection);
  }

  #poolOf({ hasKey }: Connection): Pool {
    return hasKey ? this.#keyed : this.#keyless;
  }
}

function placesOf({ underWay }: Connection): number {
  return Math.max(1, underWay.size);
}

/** Undefined for a request of HTTP/1.1. */
function streamOf(request: IncomingMessage & { readonly stream?: ServerHttp2Stream }) {
  return request.httpVersionMajor === 2 ? request.stream : undefined;
}

/** Returns the oldest waiting connection of the network with most places that has one. */
function oldestIn(pool: Pool): Connection | undefined {
  let most: Share | undefined;
  for (const share of pool.values()) if (most === undefined || share.places > most.places) most = share;
  const found = most && oldestOf(most);
  if (found !== undefined) return found;
  for (const share of [...pool.values()].sort((a, b) => b.places - a.places)) {
    const other = oldestOf(share);
    if (other !== undefined) return other;
  }
  return undefined;
}

function oldestOf({ connections }: Share): Connection | undefined {
  for (const connection of connections) if (isWaiting(connection)) return connection;
  return undefined;
}

/** True when it has no request, or none that has to be finished. */
function isWaiting({ hasKey, underWay }: Connection): boolean {
  for (const [response, request] of underWay)
    if (hasKey || (request.complete && !response.writableEnded)) return false;
  return true;
}

function proxiesOf(trusted: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const each of trusted) {
    const [address = '', bits] = each.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
