/**
 * Large bodies are held in memory while they are read. So many bytes of them at once, over all callers;
 * what is over that is refused before it is read. One is always let through.
 */
import type { onRequestHookHandler } from 'fastify';
import { apiFault } from './faults.ts';

/** Bodies below this are not counted. */
const smallBytes = 1024 * 1024;

export type UploadBudget = onRequestHookHandler;

/** A hook for routes that take large bodies. @throws Fault UPLOADS_BUSY */
export function createUploadBudget(maxBytes: number): UploadBudget {
  let inUse = 0;
  return (request, reply, done) => {
    const declared = Number(request.headers['content-length'] ?? request.routeOptions.bodyLimit);
    if (!(declared > smallBytes)) return done();
    if (inUse > 0 && inUse + declared > maxBytes) {
      return done(apiFault('UPLOADS_BUSY', 'Too many large uploads are under way, try again later.'));
    }
    inUse += declared;
    reply.raw.once('close', () => {
      inUse -= declared;
    });
    done();
  };
}
