/** Makes `WWW-Authenticate`, which tells a client where to get a token. Source: distribution's docs/spec/auth/token.md. */
import type { FastifyRequest } from 'fastify';
import { scopeText } from './scopes.ts';
import { rightFor, type Target } from './target.ts';

/**
 * @param publicUrl without a slash at its end. If it is undefined, Ward does not know its URL, and a proxy need not tell. So
 * it asks clients for the key itself, which they send to where they sent the request.
 */
export function challenge(
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
