/** Gives each request a transaction id for its answer and its logs: the client's, if it sends a valid one. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { newId } from '../lib/index.ts';

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

/** The caller's place in a trace. */
export function traceparentOf({ traceparent }: IncomingHttpHeaders): string | undefined {
  return typeof traceparent === 'string' ? traceparent : undefined;
}
