/**
 * Logs one line for each request when it ends or breaks off, with the transaction id that its caller has (`x-request-id`,
 * and `code` in errors). Logs no headers, bodies or queries, since web actions take secrets in them, and no webhook tokens,
 * since the path of a webhook is its key.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../lib/index.ts';
import { domainOf } from './domains/domain-host.ts';
import { sandboxNamespaceOf } from './sandbox-entrance.ts';
import { requestIds } from './transaction.ts';

const pathCharacters = 1024;

export function addAccessLog(app: FastifyInstance, log: Log): void {
  app.addHook('onRequest', (request, reply, done) => {
    // Without its logger and answer hooks, Fastify's own `elapsedTime` is always 0.
    const startedAt = performance.now();
    // `close` comes after the answer, or when the client leaves before it.
    reply.raw.once('close', () => {
      const ms = Math.round((performance.now() - startedAt) * 10) / 10;
      log.info({ ...aboutRequest(request), ms, ...aboutAnswer(reply) }, 'request');
    });
    done();
  });
}

function aboutRequest(request: FastifyRequest) {
  const domain = domainOf(request.raw);
  const namespace = request.identity?.namespace ?? domain?.namespace;
  return {
    ...requestIds(request),
    method: request.method,
    path: pathOf(request),
    ...(domain === undefined ? {} : { domain: domain.name }),
    address: sandboxNamespaceOf(request) === undefined ? request.ip : 'sandbox',
    ...(namespace === undefined ? {} : { namespace }),
  };
}

function aboutAnswer(reply: FastifyReply) {
  const activationId = reply.getHeader('x-openwhisk-activation-id');
  const { headersSent, statusCode, writableFinished } = reply.raw;
  return {
    ...(headersSent ? { status: statusCode } : {}),
    ...(activationId === undefined ? {} : { activationId }),
    ...(writableFinished ? {} : { isBroken: true }),
  };
}

function pathOf({ url }: FastifyRequest): string {
  const path = url.replace(/\?.*$/s, '').slice(0, pathCharacters);
  return path.replace(/^\/webhooks\/.*$/s, '/webhooks/[redacted]');
}
