/**
 * Limits the large bodies in memory, over all callers, and refuses further ones before it reads them. It always lets one
 * through.
 */
import type { onRequestHookHandler } from 'fastify';
import { apiFault } from './faults.ts';

/** Smaller bodies do not count. */
const smallBytes = 1024 * 1024;

export type UploadBudget = onRequestHookHandler;

/** Makes a hook for routes that take large bodies. @throws Fault UPLOADS_BUSY */
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
