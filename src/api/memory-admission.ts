/**
 * Refuses what the server has no memory for, before it is read. What tells how the server is, is always answered.
 */
import type { FastifyInstance } from 'fastify';

export interface MemoryAdmission {
  /** Hands out what gives it back. @throws Fault of the kind `busy` */
  reserve(bytes: number): () => void;
}

const mebibyte = 1024 * 1024;
/** A call's result and its log, on their way to the caller and the database. */
const callBytes = 8 * mebibyte;
/** All other requests. */
const otherBytes = mebibyte;
/** The bytes of a body, their text, what was parsed, and what goes on to a sandbox. */
const copies = 4;
const always: ReadonlySet<string> = new Set(['/', '/ping', '/metrics']);

/** @param streamed below this path bodies are never in memory as a whole */
export function addMemoryAdmission(app: FastifyInstance, memory: MemoryAdmission, streamed: string): void {
  app.addHook('onRequest', (request, reply, done) => {
    const [path = '/'] = request.raw.url?.split('?', 1) ?? [];
    if (always.has(path)) return done();
    const isStreamed = path.startsWith(streamed);
    const declared = Number(request.headers['content-length'] ?? 0);
    const own = request.method === 'POST' && !isStreamed ? callBytes : otherBytes;
    const body = isStreamed || !(declared > 0) ? 0 : copies * declared;
    const giveBack = memory.reserve(own + body);
    reply.raw.once('close', giveBack);
    done();
  });
}
