/**
 * Tells clients how many calls their namespace has left in this minute, in headers that they know (`RateLimit-*` of the early
 * IETF drafts), and when to retry a refused call.
 */
import type { FastifyReply } from 'fastify';
import type { RateUsage } from '../dispatch/index.ts';
import type { NamespaceUsage } from '../functions/index.ts';
import type { Fault } from '../lib/index.ts';

/** Call it after the call was counted. It runs for every call. */
export function sendRateLimit(reply: FastifyReply, { limit, remaining, resetMs }: RateUsage): void {
  reply.header('ratelimit-limit', limit);
  reply.header('ratelimit-remaining', remaining);
  reply.header('ratelimit-reset', seconds(resetMs));
}

/**
 * Sends what is left of a namespace's quotas, in bytes. Unlike the calls of a minute, quotas have names, so the headers follow
 * the current draft: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
 */
export function sendQuotas(reply: FastifyReply, usage: Partial<NamespaceUsage>): void {
  const quotas = Object.entries(usage);
  const left = quotas.map(([name, { used, limit }]) => `"${name}";r=${Math.max(0, limit - used)}`);
  reply.header(
    'ratelimit-policy',
    quotas.map(([name, { limit }]) => `"${name}";q=${limit};qu="content-bytes"`).join(', '),
  );
  reply.header('ratelimit', left.join(', '));
}

/** Sends when the same request may succeed, if the fault says so. */
export function sendRetryAfter(reply: FastifyReply, { retryAfterMs }: Fault): void {
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.max(1, seconds(retryAfterMs)));
}

/** Rounds up to whole seconds, so that a client does not retry too early. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
