/**
 * The second way into the API: connections that come out of a sandbox, by a port of its own loopback. The socket that
 * a connection arrives on says whose sandbox it comes from. Headers, hosts and addresses in the request count for
 * nothing.
 *
 * It serves the API of namespaces alone, to keys of the sandbox's own namespace. A connection carries one request:
 * nothing can hide behind it, and no client keeps a connection that ended while its sandbox stood still. This module
 * bounds how often a namespace may come, and how much of an answer may wait for its reader. The sandbox's own limits
 * bound connections at once, and the processor time to carry them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiConnection } from '../invoker/index.ts';
import { clientErrorHandler, sendError } from './errors.ts';

export interface EntranceLimits {
  /** Requests of a namespace, in a second and in a burst; further ones wait for their turn. */
  readonly perSecond: number;
  readonly burst: number;
  /** Requests of a namespace at once whose answer may be large, from their begin until it is read. */
  readonly reading: number;
  readonly headBytes: number;
  readonly headTimeoutMs: number;
  /** Without a byte in either direction. */
  readonly idleTimeoutMs: number;
}

export type SandboxEntrance = (connection: ApiConnection) => void;

export const defaultEntranceLimits = { perSecond: 100, burst: 200, reading: 8 };

/** By connection: the namespace whose sandbox is at its other end. */
const namespaces = new WeakMap<Duplex, string>();

/** Undefined for what comes from elsewhere. */
export function sandboxNamespaceOf({ raw }: FastifyRequest): string | undefined {
  return namespaces.get(raw.socket);
}

/** Closes everything to sandboxes but the API of namespaces. Goes before all hooks that do more than log. */
export function confineSandboxes(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (sandboxNamespaceOf(request) === undefined) return done();
    const isOpen = request.routeOptions.url?.startsWith(openPrefix) === true && request.method !== 'OPTIONS';
    if (isOpen) return done();
    void sendError(request, reply, 404, `There is nothing here for a sandbox but ${openPrefix}.`);
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

/** A larger body counts against the uploads of all, and a sandbox must not take many of those. */
const smallBytes = 1024 * 1024;

function isUpload({ method, headers }: IncomingMessage): boolean {
  if (method !== 'PUT') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > smallBytes;
}

/** Calls wait for what they started, which may need the entrance too; so they have no turns. */
function mayAnswerMuch({ method, url = '' }: IncomingMessage): boolean {
  if (method === 'POST') return false;
  return !/^\/api\/v1\/namespaces\/[^/?]+\/activations\/[^/?]+\/stream(?:$|\?)/.test(url);
}

/** How long a namespace's next request waits for its turn, in ms: each takes a turn, in the order of their coming. */
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

/** Limits a namespace's requests at once, each until its answer has been read; the next begins when one is over. */
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
