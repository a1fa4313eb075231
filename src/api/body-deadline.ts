/**
 * Limits how long the body of a request may take to arrive. Node's own deadline would also hold for uploads to the registry,
 * which have none, so this module keeps the deadline of the other routes. Nearly every body arrives with its head, so none
 * gets a timer of its own: a sweep checks the missing ones together.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { domainOf } from './domains/domain-host.ts';
import { refuseSlow } from './errors.ts';

interface BodyDeadline {
  readonly deadlineMs: number;
  /** Time between two checks for late bodies. */
  readonly sweepMs: number;
  /** Prefix of the URLs whose bodies have no deadline. */
  readonly exempt: string;
}

export function addBodyDeadline(app: FastifyInstance, { deadlineMs, sweepMs, exempt }: BodyDeadline): void {
  /** Deadline of each body, on the clock of `performance.now()`. */
  const awaited = new Map<IncomingMessage, number>();
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request;
    const isExempt = raw.url?.startsWith(exempt) === true && domainOf(raw) === undefined;
    if (hasBody(raw.headers) && !isExempt) {
      awaited.set(raw, performance.now() + deadlineMs);
    }
    done();
  });
  // Fastify has read its bodies by now; a handler may still read one of another kind.
  app.addHook('preValidation', (request, _reply, done) => {
    if (isOver(request.raw)) awaited.delete(request.raw);
    done();
  });
  const sweeper = setInterval(() => {
    const now = performance.now();
    for (const [raw, deadline] of awaited) {
      if (!isOver(raw) && now < deadline) continue;
      awaited.delete(raw);
      if (!isOver(raw)) refuseSlow(raw);
    }
  }, sweepMs);
  sweeper.unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(sweeper);
    done();
  });
}

function hasBody(headers: IncomingMessage['headers']): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function isOver(raw: IncomingMessage): boolean {
  return raw.complete || raw.readableEnded || raw.destroyed;
}
