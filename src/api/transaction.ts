/** Transaction ids: one a request, taken from the client where it sends a fit one, in every answer and log. */
import type { IncomingMessage } from 'node:http';
import { newId } from '../lib/index.ts';

const fit = /^[\w.:@/+=-]{1,128}$/;

/** Ids that begin so are the platform's own. */
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
