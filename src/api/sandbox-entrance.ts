/**
 * The second way into the API: connections from a sandbox, through a port of its own loopback. The socket of a connection
 * tells which sandbox it comes from; headers, hosts and addresses in the request don't count.
 *
 * It serves only the API of namespaces, to keys of the sandbox's own namespace. A connection carries one request: nothing can
 * hide behind it, and no client keeps a connection that ended while its sandbox was frozen. This module limits the rate of a
 * namespace's requests, and the requests whose answers wait for their reader. The sandbox's own limits bound the connections
 * at the same time, and their processor time.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiConnection } from '../invoker/index.ts';
import { clientErrorHandler, sendError } from './errors.ts';

export interface EntranceLimits {
  /** Requests of a namespace, per second and in a burst; further ones wait for their turn. */
  readonly perSecond: number;
  readonly burst: number;
  /** Requests of a namespace with a possibly large answer at the same time, until the client has read it. */
  readonly reading: number;
  readonly headBytes: number;
  readonly headTimeoutMs: number;
  /** Time without a byte in either direction. */
  readonly idleTimeoutMs: number;
}

export type SandboxEntrance = (connection: ApiConnection) => void;

export const defaultEntranceLimits = { perSecond: 100, burst: 200, reading: 8 };

/** Maps a connection to the namespace of the sandbox at its other end. */
const namespaces = new WeakMap<Duplex, string>();

/** Returns undefined for a request from elsewhere. */
export function sandboxNamespaceOf({ raw }: FastifyRequest): string | undefined {
  return namespaces.get(raw.socket);
}

/** Whether a request comes from a sandbox. */
export function isOfSandbox({ socket }: IncomingMessage): boolean {
  return namespaces.has(socket);
}

/** Closes everything except the API of namespaces to sandboxes. Call it before adding hooks that do more than log. */
export function confineSandboxes(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (sandboxNamespaceOf(request) === undefined) return done();
    const isOpen = request.routeOptions.url?.startsWith(openPrefix) === true && request.method !== 'OPTIONS';
    if (isOpen) return done();
    void sendError(request, reply, 404, `A sandbox can reach only ${openPrefix} here.`);
  });
}

const openPrefix = '/api/v1/namespaces';

/** @param app ready to serve */
export function openSandboxEntrance(app: FastifyInstance, limits: EntranceLimits): SandboxEntrance {
  const pace = createPace(limits);
  const readers = createTurns(limits.reading);
  const uploads = createTurns(1);
  const headTimers = new WeakMap<Duplex, NodeJS.Timeout>();
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    clearTimeout(headTimers.get(socket));
    response.shouldKeepAlive = false;
    const turns = isUpload(request) ? uploads : mayAnswerMuch(request) ? readers : undefined;
    const begin = () => app.routing(request, response);
    if (turns === undefined) begin();
    else turns.take(namespaces.get(socket) ?? '', response, begin);
  };
  const server = createServer({ maxHeaderSize: limits.headBytes, requestTimeout: 0 }, serve);
  server.maxRequestsPerSocket = 1;
  server.timeout = limits.idleTimeoutMs;
  server.on('clientError', clientErrorHandler);
  return ({ socket, namespace }) => {
    namespaces.set(socket, namespace);
    const begin = () => {
      if (socket.destroyed) return;
      const timer = setTimeout(() => socket.destroy(), limits.headTimeoutMs);
      headTimers.set(socket, timer);
      socket.once('close', () => clearTimeout(timer));
      server.emit('connection', socket);
      socket.resume();
    };
    const waitMs = pace(namespace, performance.now());
    if (waitMs <= 0) begin();
    else setTimeout(begin, waitMs).unref();
  };
}

/** A larger body counts against the uploads of all callers, and a sandbox must not take many of those. */
const smallBytes = 1024 * 1024;

function isUpload({ method, headers }: IncomingMessage): boolean {
  if (method !== 'PUT') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > smallBytes;
}

/** A call waits for calls that it started, which may need the entrance too; so calls need no turn. */
function mayAnswerMuch({ method, url = '' }: IncomingMessage): boolean {
  if (method === 'POST') return false;
  return !/^\/api\/v1\/namespaces\/[^/?]+\/activations\/[^/?]+\/stream(?:$|\?)/.test(url);
}

/** Computes how long a namespace's next request waits, in ms; requests take turns in the order in which they come. */
export function createPace({ perSecond, burst }: Pick<EntranceLimits, 'perSecond' | 'burst'>) {
  const stepMs = 1000 / perSecond;
  const tallest = 1000;
  /** When all turns that are taken will be over. */
  const takenUntil = new Map<string, number>();
  return (namespace: string, now: number): number => {
    if (takenUntil.size > tallest) {
      for (const [each, until] of takenUntil) if (until <= now) takenUntil.delete(each);
    }
    const until = Math.max(takenUntil.get(namespace) ?? 0, now);
    takenUntil.set(namespace, until + stepMs);
    return Math.max(0, until - now - (burst - 1) * stepMs);
  };
}

/** Limits a namespace's simultaneous requests, each until its client has read the answer; the next begins after one ends. */
export function createTurns(atOnce: number) {
  const busy = new Map<string, { count: number; readonly waiting: Set<() => void> }>();
  return {
    take(namespace: string, response: ServerResponse, begin: () => void): void {
      const own = busy.get(namespace) ?? { count: 0, waiting: new Set() };
      busy.set(namespace, own);
      const start = () => {
        own.waiting.delete(start);
        response.off('close', giveUp);
        response.once('close', leave);
        if (response.destroyed || response.closed) leave();
        else begin();
      };
      let hasLeft = false;
      const leave = () => {
        if (hasLeft) return;
        hasLeft = true;
        const [next] = own.waiting;
        if (next) return next();
        own.count--;
        if (own.count === 0) busy.delete(namespace);
      };
      // A hang-up makes room for a further connection of the sandbox: waiting ones would pile up behind a slow reader.
      const giveUp = () => void own.waiting.delete(start);
      if (own.count >= atOnce) {
        own.waiting.add(start);
        response.once('close', giveUp);
        return;
      }
      own.count++;
      start();
    },
  };
}
