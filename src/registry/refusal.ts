/** Refuses requests: the challenge, the answer, and the rest of the request's body. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../lib/index.ts';
import { answerError, statusOf } from './answers.ts';
import { type Exchange, hasBody } from './exchange.ts';
import { scopeText } from './scopes.ts';
import { rightFor, type Target } from './target.ts';
import type { RegistryLimits } from './types.ts';

interface RefusalContext {
  readonly publicUrl: () => string | undefined;
  readonly limits: Pick<RegistryLimits, 'lingerMs'>;
  readonly log: Log;
}

export function refuse(
  { publicUrl, limits, log }: RefusalContext,
  { request, reply }: Pick<Exchange, 'request' | 'reply'>,
  error: unknown,
  target?: Target,
): FastifyReply {
  if (statusOf(error) === 401) reply.header('www-authenticate', challenge(request, target, publicUrl()));
  answerError(request, reply, error, log);
  if (hasBody(request)) drain(request, limits.lingerMs);
  return reply;
}

/**
 * Makes `WWW-Authenticate`, which tells a client where to get a token. Source: distribution's
 * docs/spec/auth/token.md.
 * @param publicUrl without a slash at its end. Undefined when Ward does not know its URL, which a proxy need not pass
 * on: then it asks clients for the key itself, which they send to the address of their request
 */
function challenge(
  request: FastifyRequest,
  target: Target | undefined,
  publicUrl: string | undefined,
): string {
  if (target?.of === 'token' || publicUrl === undefined) return 'Basic realm="ward"';
  const scope = target === undefined ? undefined : scopeOf(target, request.method);
  return [
    `Bearer realm="${publicUrl}/v2/token"`,
    'service="ward"',
    ...(scope === undefined ? [] : [`scope="${scope}"`]),
    ...(/^Bearer /i.test(request.headers.authorization ?? '') ? ['error="insufficient_scope"'] : []),
  ].join(',');
}

function scopeOf(target: Target, method: string): string | undefined {
  if (target.of === 'catalog') return 'registry:catalog:*';
  return 'repository' in target ? scopeText(target.repository, rightFor(target, method)) : undefined;
}

/**
 * Reads and drops the rest of the request for a while after a refusal. If Ward closed the connection at once, many
 * clients would report that instead of the answer.
 */
function drain({ raw }: FastifyRequest, lingerMs: number): void {
  if (raw.complete) return;
  const timer = setTimeout(() => raw.destroy(), lingerMs);
  timer.unref();
  for (const end of ['end', 'close']) raw.once(end, () => clearTimeout(timer));
  raw.on('error', () => {});
  raw.resume();
}
