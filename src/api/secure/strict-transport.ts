/** Tells browsers to speak only TLS with this server's name from now on, on every port (RFC 6797). */
import type { FastifyInstance } from 'fastify';
import { sandboxNamespaceOf } from '../sandbox-entrance.ts';

/** @param seconds 0: nothing */
export function addStrictTransport(app: FastifyInstance, seconds: number): void {
  if (seconds === 0) return;
  app.addHook('onRequest', (request, reply, done) => {
    // A sandbox's own port speaks plain HTTP.
    if (sandboxNamespaceOf(request) === undefined)
      reply.header('strict-transport-security', `max-age=${seconds}`);
    done();
  });
}
