/**
 * How long the body of a request may take to arrive. Node's own deadline holds for all of a server, and the uploads of
 * the registry take as long as they take, so it is held here, for every route but those.
 */
import type { FastifyInstance } from 'fastify';
import { refuseSlow } from './errors.ts';

/** @param exempt what the URLs of routes begin with whose bodies have no deadline */
export function addBodyDeadline(app: FastifyInstance, deadlineMs: number, exempt: string): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request;
    if (hasBody(request.headers) && raw.url?.startsWith(exempt) !== true) {
      const timer = setTimeout(() => {
        if (!raw.complete) refuseSlow(raw.socket);
      }, deadlineMs);
      timer.unref();
      raw.once('close', () => clearTimeout(timer));
      raw.once('end', () => clearTimeout(timer));
    }
    done();
  });
}

function hasBody(headers: Readonly<Record<string, unknown>>): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
