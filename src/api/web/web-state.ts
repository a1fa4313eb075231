/** What Ward knows about a request to the web so far. */
import type { FastifyRequest } from 'fastify';
import type { WebAnswer } from './answer.ts';
import type { WebCall } from './web-actions.ts';

export interface WebState {
  call?: WebCall;
  /** Makes the last changes to any answer. */
  finish?: (answer: WebAnswer) => WebAnswer;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined before the first hook has run. */
    web: WebState | undefined;
  }
}

/** Returns the answer in its final form. */
export function finished({ web }: Pick<FastifyRequest, 'web'>, answer: WebAnswer): WebAnswer {
  return web?.finish === undefined ? answer : web.finish(answer);
}
