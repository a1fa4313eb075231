/** Keeps the memory for requests within limits: for all of them, and for large bodies. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import { domainOf } from './domains/domain-host.ts';
import { apiFault } from './faults.ts';

export interface MemoryAdmission {
  /** Returns a function that gives the memory back. @throws Fault of the kind `busy` */
  reserve(bytes: number): () => void;
}

const mebibyte = 1024 * 1024;
/** A call's result and its log, on their way to the caller and the database. */
const callBytes = 8 * mebibyte;
/** All other requests. */
const otherBytes = mebibyte;
/** The bytes of a body, their text, the parsed value, and the copy for a sandbox. */
const copies = 4;
/** Stands for the paths of domains, whose requests are all calls. */
const call = '/*';
/** What gives the memory back, by answers that have not ended. */
const held = new WeakMap<ServerResponse, () => void>();
const always: ReadonlySet<string> = new Set(['/', '/ping', '/metrics']);

/**
 * Refuses a request before reading it if the server lacks the memory. It always admits health checks and metrics.
 * @param streamed the path below which no body is ever in memory as a whole
 */
export function addMemoryAdmission(app: FastifyInstance, memory: MemoryAdmission, streamed: string): void {
  app.addHook('onRequest', (request, reply, done) => {
    const [path = '/'] =
      domainOf(request.raw) === undefined ? (request.raw.url?.split('?', 1) ?? []) : [call];
    if (always.has(path)) return done();
    const isStreamed = path.startsWith(streamed);
    const declared = Number(request.headers['content-length'] ?? 0);
    const own = request.method === 'POST' && !isStreamed ? callBytes : otherBytes;
    const body = isStreamed || !(declared > 0) ? 0 : copies * declared;
    const giveBack = memory.reserve(own + body);
    held.set(reply.raw, giveBack);
    reply.raw.once('close', () => releaseMemory(reply.raw));
    done();
  });
}

/** Gives back what a request has reserved. Call it for an answer that lasts long and takes little, once it has begun. */
export function releaseMemory(response: ServerResponse): void {
  const giveBack = held.get(response);
  held.delete(response);
  giveBack?.();
}

/** Smaller bodies do not count. */
const smallBytes = 1024 * 1024;

export type UploadBudget = onRequestHookHandler;

/**
 * Makes a hook for routes that take large bodies. It limits those in memory, over all callers, and refuses more before it
 * reads them. It always lets one through.
 * @throws Fault UPLOADS_BUSY
 */
export function createUploadBudget(maxBytes: number): UploadBudget {
  let soonFree = 0;
  return (request, reply, done) => {
    const declared = Number(request.headers['content-length'] ?? request.routeOptions.bodyLimit);
    // Its client has left.
    if (!(declared > smallBytes) || reply.raw.destroyed) return done();
    if (soonFree > 0 && soonFree + declared > maxBytes) {
      return done(apiFault('UPLOADS_BUSY', 'Too many large uploads are under way, try again later.'));
    }
    soonFree += declared;
    reply.raw.once('close', () => {
      soonFree -= declared;
    });
    done();
  };
}
