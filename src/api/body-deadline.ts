/**
 * How long the body of a request may take to arrive. Node's own deadline holds for all of a server, and the uploads of
 * the registry take as long as they take, so it is held here, for every route but those. Nearly every body is there with
 * its head, so none gets a timer of its own: those that are not there yet are looked at together, now and then.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { refuseSlow } from './errors.ts';

interface BodyDeadline {
  readonly deadlineMs: number;
  /** How often it is looked for bodies that are late. */
  readonly sweepMs: number;
  /** What the URLs of routes begin with whose bodies have no deadline. */
  readonly exempt: string;
}

export function addBodyDeadline(app: FastifyInstance, { deadlineMs, sweepMs, exempt }: BodyDeadline): void {
  /** When each has to be there, on the clock of `performance.now()`. */
  const awaited = new Map<IncomingMessage, number>();
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request;
    if (hasBody(raw.headers) && raw.url?.startsWith(exempt) !== true) {
      awaited.set(raw, performance.now() + deadlineMs);
    }
    done();
  });
  // By now a body that Fastify reads has been read; a handler may still read one of another kind.
  app.addHook('preValidation', (request, _reply, done) => {
    if (isOver(request.raw)) awaited.delete(request.raw);
    done();
  });
  const sweeper = setInterval(() => {
    const now = performance.now();
    for (const [raw, deadline] of awaited) {
      if (!isOver(raw) && now < deadline) continue;
      awaited.delete(raw);
      if (!isOver(raw)) refuseSlow(raw.socket);
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
