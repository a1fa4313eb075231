/**
 * Issues tokens: by GET with Basic credentials, or by a form as in OAuth 2. Source: distribution's
 * docs/spec/auth/token.md and oauth.md.
 */
import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Access } from './access.ts';
import { byMethod, type Exchange, sendJson } from './exchange.ts';
import { registryFault } from './faults.ts';
import { parseScopes } from './scopes.ts';
import type { Tokens } from './tokens.ts';

interface TokenContext {
  readonly access: Access;
  readonly tokens: Tokens;
}

const maxFormBytes = 16 * 1024;

export function serveToken(
  context: TokenContext,
  exchange: Pick<Exchange, 'request' | 'reply' | 'query'>,
): Promise<FastifyReply> {
  const { request, reply, query } = exchange;
  return byMethod(exchange, {
    GET: () => issue(context, reply, request.headers.authorization, query.getAll('scope')),
    POST: async () => {
      const form = await readForm(request.raw);
      return issue(
        context,
        reply,
        credentialsOf(form) ?? request.headers.authorization,
        form.getAll('scope'),
      );
    },
  });
}

async function issue(
  { access, tokens }: TokenContext,
  reply: FastifyReply,
  authorization: string | undefined,
  scopes: readonly string[],
): Promise<FastifyReply> {
  // A token must not prolong itself.
  const key = /^Basic /i.test(authorization ?? '') ? authorization : undefined;
  const grants = await access.grant(key, parseScopes(scopes));
  const { token, issuedAt, lifetimeSeconds } = tokens.issue(grants);
  const scope = grants.access.map(({ name, actions }) => `repository:${name}:${actions.join(',')}`).join(' ');
  reply.header('cache-control', 'no-store');
  return sendJson(reply, {
    token,
    access_token: token,
    token_type: 'Bearer',
    expires_in: lifetimeSeconds,
    issued_at: issuedAt,
    scope,
  });
}

/** @throws Fault CREDENTIALS_NEEDED for every grant but a password */
function credentialsOf(form: URLSearchParams): string | undefined {
  const [user, password] = [form.get('username'), form.get('password')];
  if (form.get('grant_type') !== 'password' || user === null || password === null) {
    throw registryFault('CREDENTIALS_NEEDED', "log in with grant_type=password and a key's two halves");
  }
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** @throws Fault SCOPE_INVALID */
async function readForm(source: Readable): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of source.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.length > maxFormBytes) throw registryFault('SCOPE_INVALID', 'the form is too long');
  }
  return new URLSearchParams(text);
}
