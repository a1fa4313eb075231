/** `WWW-Authenticate`: where a client gets what it needs. Source: distribution's docs/spec/auth/token.md. */
import type { FastifyRequest } from 'fastify';
import { scopeText } from './scopes.ts';
import { rightFor, type Target } from './target.ts';

/**
 * @param publicUrl Without a slash at its end. Undefined: nobody has said by which URL clients get here, and a proxy need
 * not tell. So they are asked for the key itself, which goes the way that the request came.
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
