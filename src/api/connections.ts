/**
 * Decides which connection is closed when there are too many. A new one gets in as long as another one only waits:
 *
 * - An address gets a share of connections without a key. Beyond it, its longest waiting connection is closed.
 * - If there is no room, a connection without a key is closed, of the address that has most of them; if there is
 *   none, one with a key.
 *
 * A connection waits while it has no request, while its request is arriving, and while its client has not read the
 * answer. With a key it waits only between requests. A running call is never broken off. A trusted proxy limits its
 * clients itself, so its connections are never closed. If none can be closed, the new one is.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList, isIPv6, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { networkOf } from './web/client-network.ts';

interface ConnectionLimits {
  readonly connections: number;
  /** Connections without a key, of one IPv4 address or one network of 64 bits. */
  readonly connectionsPerAddress: number;
}

interface Connection {
  readonly socket: Socket;
  /** Undefined for a trusted proxy. */
  readonly network: string | undefined;
  isGone: boolean;
  hasKey: boolean;
  underWay: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;
}

/** Connections by network, the longest inactive first. */
type Pool = Map<string, Set<Connection>>;

/** Connections that the kernel may hand over before refused ones are gone. */
const burst = 256;

/** Call it before all hooks and routes. @param trusted addresses and networks of proxies */
export function shareConnections(
  app: FastifyInstance,
  limits: ConnectionLimits,
  trusted: readonly string[],
): void {
  const { server } = app;
  const isProxy = proxiesOf(trusted);
  const shares = new ConnectionShares(limits);
  server.maxConnections = limits.connections + burst;
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    shares.admit(socket, isProxy(address) ? undefined : networkOf(address));
  });
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    shares.begin(request, response);
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
  #size = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** @param network undefined for a trusted proxy */
  admit(socket: Socket, network: string | undefined): void {
    const share = network === undefined ? undefined : this.#keyless.get(network);
    const isOverShare = share !== undefined && share.size >= this.#limits.connectionsPerAddress;
    if (isOverShare || this.#size >= this.#limits.connections) {
      const victim = isOverShare ? oldestOf(share) : (oldestIn(this.#keyless) ?? oldestIn(this.#keyed));
      if (victim === undefined) {
        socket.destroy();
        return;
      }
      this.#forget(victim);
      victim.socket.destroy();
    }
    const connection: Connection = { socket, network, isGone: false, hasKey: false, underWay: undefined };
    this.#size++;
    this.#bySocket.set(socket, connection);
    this.#enter(connection);
    socket.once('close', () => this.#forget(connection));
  }

  begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#bySocket.get(request.socket);
    if (connection === undefined) return;
    connection.underWay = { request, response };
    this.#enter(connection);
    response.once('close', () => {
      if (connection.underWay?.response === response) connection.underWay = undefined;
      this.#enter(connection);
    });
  }

  vouchFor(socket: Socket): void {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined || connection.hasKey) return;
    this.#leave(connection);
    connection.hasKey = true;
    this.#enter(connection);
  }

  /** Puts the connection at the end of its share, as the latest active one. */
  #enter(connection: Connection): void {
    const { network, isGone } = connection;
    if (network === undefined || isGone) return;
    const pool = this.#poolOf(connection);
    const share = pool.get(network) ?? new Set();
    share.delete(connection);
    pool.set(network, share.add(connection));
  }

  #leave(connection: Connection): void {
    const { network = '' } = connection;
    const pool = this.#poolOf(connection);
    const share = pool.get(network);
    share?.delete(connection);
    if (share?.size === 0) pool.delete(network);
  }

  #forget(connection: Connection): void {
    if (connection.isGone) return;
    connection.isGone = true;
    this.#size--;
    this.#leave(connection);
  }

  #poolOf({ hasKey }: Connection): Pool {
    return hasKey ? this.#keyed : this.#keyless;
  }
}

/** Returns the oldest waiting connection of the network with most connections that has one. */
function oldestIn(pool: Pool): Connection | undefined {
  let most: Set<Connection> | undefined;
  for (const share of pool.values()) if (most === undefined || share.size > most.size) most = share;
  const found = most && oldestOf(most);
  if (found !== undefined) return found;
  for (const share of [...pool.values()].sort((a, b) => b.size - a.size)) {
    const other = oldestOf(share);
    if (other !== undefined) return other;
  }
  return undefined;
}

function oldestOf(share: ReadonlySet<Connection>): Connection | undefined {
  for (const connection of share) if (isWaiting(connection)) return connection;
  return undefined;
}

function isWaiting({ hasKey, underWay }: Connection): boolean {
  if (underWay === undefined) return true;
  return !hasKey && (!underWay.request.complete || underWay.response.writableEnded);
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
