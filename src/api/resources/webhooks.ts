/**
 * `POST /webhooks/{token}`: the URL of a webhook fires its trigger. The route is public, so Ward reads a body only if
 * the token is right and its rate is not exceeded, and uses the content only if the signature is right. GET and HEAD
 * fire nothing, because link previews and crawlers send them.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { OpenedWebhook } from '../../functions/index.ts';
import { clientOf } from '../actors.ts';
import { pathPart } from '../authentication.ts';
import { markRecordLost, sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';
import { traceparentOf } from '../transaction.ts';
import { createRateLimiter, type Rate } from '../web/rate-limiter.ts';
import { webhookEvent } from './webhook-event.ts';

interface WebhookRouteOptions {
  /** @throws Fault NOT_FOUND */
  readonly open: (token: string) => Promise<OpenedWebhook>;
  readonly bodyBytes: number;
  /** Rate of requests to one webhook, including those with a wrong signature. */
  readonly rate?: Rate;
}

const usualRate: Rate = { perSecond: 5, burst: 60 };
const maxCounted = 10_000;

export function addWebhooks(app: FastifyInstance, options: WebhookRouteOptions): void {
  const requests = createRateLimiter({ rate: options.rate ?? usualRate, capacity: maxCounted });
  const opened = new WeakMap<FastifyRequest, OpenedWebhook>();
  const openDoor = async (request: FastifyRequest): Promise<void> => {
    const webhook = await options.open(pathPart(request, 'token'));
    opened.set(request, webhook);
    requests.take(webhook.id);
    webhook.requireActive();
  };
  app.register(async (scope) => {
    scope.addHook('onResponse', (request, { statusCode: status }, done) => {
      if (status >= 400) opened.get(request)?.refused({ status, address: clientOf(request) });
      done();
    });
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    addResource(scope, ['/webhooks/:token'], {
      POST: {
        access: 'own-check',
        bodyLimit: options.bodyBytes,
        onRequest: (request, _reply, done) => void openDoor(request).then(() => done(), done),
        handler: (request, reply) => receive(opened.get(request), request, reply),
      },
    });
  });
}

async function receive(webhook: OpenedWebhook | undefined, request: FastifyRequest, reply: FastifyReply) {
  if (webhook === undefined) throw new Error('a webhook that was not opened');
  const { method, url, headers } = request.raw;
  const body = Buffer.isBuffer(request.body) ? request.body : undefined;
  webhook.verify(headers, body ?? Buffer.alloc(0));
  const event = webhookEvent({ method: method ?? '', url: url ?? '', headers, body });
  const fired = await webhook.fire(event, { transactionId: request.id, traceparent: traceparentOf(headers) });
  if (fired === undefined) return reply.code(204).send();
  reply.header('x-openwhisk-activation-id', fired.activationId);
  markRecordLost(reply, fired.isRecordLost);
  return sendJson(reply, 202, JSON.stringify({ activationId: fired.activationId }));
}
