/**
 * What a namespace has left of its calls of this minute, in the headers that clients know (`RateLimit-*` of the early
 * IETF drafts), and when a refused call may be tried again.
 */
import type { FastifyReply } from 'fastify';
import type { RateUsage } from '../invoker/index.ts';
import type { Fault } from '../lib/index.ts';

/** To be asked for after the call was counted. Each call comes through here. */
export function sendRateLimit(reply: FastifyReply, { limit, remaining, resetMs }: RateUsage): void {
  reply.header('ratelimit-limit', limit);
  reply.header('ratelimit-remaining', remaining);
  reply.header('ratelimit-reset', seconds(resetMs));
}

/** When the same request may succeed, as far as that is known. */
export function sendRetryAfter(reply: FastifyReply, { retryAfterMs }: Fault): void {
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.max(1, seconds(retryAfterMs)));
}

/** Whole seconds, rounded up: who waits that long does not come too early. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
