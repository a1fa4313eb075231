/** Gives each request a transaction id for its answer and its logs: the client's, if it sends a valid one. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Functions } from '../functions/index.ts';
import { newId } from '../lib/index.ts';

declare module 'fastify' {
  interface FastifyInstance {
    traceIdOf?: Functions['traceIdOf'];
  }
}

const fit = /^[\w.:@/+=-]{1,128}$/;

/** Begins the platform's own ids. */
const systemPrefix = 'sid_';

export function newTransactionId(): string {
  return newId();
}

export function transactionIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const sent = request.headers['x-request-id'];
  return typeof sent === 'string' && fit.test(sent) && !sent.startsWith(systemPrefix)
    ? sent
    : newTransactionId();
}

export function nameTraces(app: FastifyInstance, { traceIdOf }: Pick<Functions, 'traceIdOf'>): void {
  app.decorate('traceIdOf', traceIdOf);
}

/** Tells a log line which request it is about: the id that its caller has and, if it belongs to a trace, that of the trace. */
export function requestIds({ id, headers, server }: Pick<FastifyRequest, 'id' | 'headers' | 'server'>) {
  const traceId = server.traceIdOf?.(traceparentOf(headers), id);
  return { transactionId: id, ...(traceId === undefined ? {} : { traceId }) };
}

/** The caller's place in a trace. */
export function traceparentOf({ traceparent }: IncomingHttpHeaders): string | undefined {
  return typeof traceparent === 'string' ? traceparent : undefined;
}
