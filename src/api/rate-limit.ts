/**
 * What a namespace has left of its calls of this minute, in the headers that clients know (`RateLimit-*` of the early
 * IETF drafts), and when a refused call may be tried again.
 */
import type { FastifyReply } from 'fastify';
import type { RateUsage } from '../dispatch/index.ts';
import type { NamespaceUsage } from '../functions/index.ts';
import type { Fault } from '../lib/index.ts';

/** To be asked for after the call was counted. Each call comes through here. */
export function sendRateLimit(reply: FastifyReply, { limit, remaining, resetMs }: RateUsage): void {
  reply.header('ratelimit-limit', limit);
  reply.header('ratelimit-remaining', remaining);
  reply.header('ratelimit-reset', seconds(resetMs));
}

/**
 * The rest of a namespace's quotas, in bytes. Unlike calls of a minute they have names, so they are told as the current
 * draft has it: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
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

/** When the same request may succeed, as far as that is known. */
export function sendRetryAfter(reply: FastifyReply, { retryAfterMs }: Fault): void {
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.max(1, seconds(retryAfterMs)));
}

/** Whole seconds, rounded up: who waits that long does not come too early. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
