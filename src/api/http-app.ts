/**
 * The Fastify instance on which the API puts its routes: it limits the sizes of head and body, the time to send them and
 * connections, and can have TLS before it.
 */
import { createServer, type Server, type ServerOptions } from 'node:http';
import { type FastifyInstance, type FastifyServerFactory, fastify } from 'fastify';
import type { ApiLimits } from './api-limits.ts';
import { acceptJson } from './body.ts';
import { shareConnections } from './connections.ts';
import { clientErrorHandler, type errorHandler } from './errors.ts';
import { wantsSandboxWay } from './resources/cluster-nodes.ts';
import type { TlsFront } from './secure/tls-front.ts';
import { transactionIdOf } from './transaction.ts';

interface HttpAppOptions {
  readonly limits: ApiLimits;
  /** For errors before any route. */
  readonly onError: ReturnType<typeof errorHandler>;
  readonly trustedProxies: readonly string[];
  /** Whether nodes may upgrade their connections. */
  readonly hasNodes: boolean;
  /** Undefined: plain HTTP. */
  readonly front: TlsFront | undefined;
}

export function newHttpApp({
  limits,
  onError,
  trustedProxies,
  hasNodes,
  front,
}: HttpAppOptions): FastifyInstance {
  const http = {
    maxHeaderSize: limits.headBytes,
    headersTimeout: limits.headTimeoutMs,
    connectionsCheckingInterval: limits.sweepMs,
    ...(hasNodes && { shouldUpgradeCallback: wantsSandboxWay }),
  };
  const app = fastify({
    logger: false,
    genReqId: transactionIdOf,
    requestIdHeader: false,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    bodyLimit: limits.bodyBytes,
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionTimeout: limits.idleTimeoutMs,
    forceCloseConnections: 'idle',
    // A late request over an open connection gets its usual answer: accepted for the next process, or refused with a time.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: limits.urlBytes, ignoreTrailingSlash: false },
    frameworkErrors: onError,
    clientErrorHandler,
    schemaController: { compilersFactory: withoutSchemas },
    http,
    ...(front !== undefined && { serverFactory: serverBehind(front, http, limits) }),
  });
  shareConnections(app, limits, trustedProxies);
  endConnectionsOfLeaver(app);
  if (front !== undefined) {
    fronts.set(app.server, front);
    app.addHook('preClose', (done) => {
      front.leave();
      done();
    });
  }
  acceptJson(app);
  return app;
}

/** When another process listens, an answer ends its connection, so that the next request on it does not come here. */
function endConnectionsOfLeaver(app: FastifyInstance): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (!app.server.listening) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** Routes check what they read themselves; without these, Fastify loads a hundred files that compile JSON schemas. */
const withoutSchemas = { buildValidator: refuseSchema, buildSerializer: refuseSchema };

function refuseSchema(): never {
  throw new TypeError('a route has a JSON schema, for which no compiler is loaded');
}

const fronts = new WeakMap<Server, TlsFront>();

/** What stands between the API and its clients; undefined for plain HTTP. */
export function tlsFrontOf({ server }: FastifyInstance): TlsFront | undefined {
  return fronts.get(server);
}

/** Makes the server as Fastify would, and puts TLS before it. */
function serverBehind(front: TlsFront, http: ServerOptions, limits: ApiLimits): FastifyServerFactory {
  return (handler) => {
    const server = createServer(
      { ...http, requestTimeout: 0, keepAliveTimeout: limits.keepAliveMs },
      handler,
    );
    server.setTimeout(limits.idleTimeoutMs);
    return front.protect(server);
  };
}
