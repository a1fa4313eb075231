/** Asks for the bearer token that an action demands of its callers, and answers calls without a valid one (RFC 6750). */
import { type Fault, isFault, type JsonObject } from '../../lib/index.ts';
import { oidcFault, type TokenDemand, type Tokens } from '../../oidc/index.ts';
import { statusOfKind } from '../faults.ts';
import { type AnswerHeaders, errorAnswer, type WebAnswer, withHeaders } from './answer.ts';
import type { WebToken } from './settings.ts';

export interface TokenGuard {
  readonly tokens: Tokens;
  /** What `require-adobe-auth: true` demands. Undefined: the operator has chosen no issuer for it. */
  readonly adobeAuth: TokenDemand | undefined;
}

/** Accepts no token. */
export const closedGuard: TokenGuard = {
  tokens: {
    async check() {
      throw unusable('this server checks no tokens');
    },
  },
  adobeAuth: undefined,
};

/**
 * Returns the claims of the caller's token. Undefined if the action demands none.
 * @param namespace of the action
 * @throws Fault OIDC_TOKEN_MISSING, OIDC_TOKEN_INVALID, OIDC_SCOPE_MISSING, OIDC_UNAVAILABLE
 */
export async function claimsOfCaller(
  guard: TokenGuard,
  demanded: readonly WebToken[],
  authorization: string | undefined,
  namespace: string,
): Promise<JsonObject | undefined> {
  const claims: JsonObject[] = [];
  for (const each of demanded) {
    if (each.kind === 'closed') throw unusable(`its annotation ${each.annotation} is malformed`);
    const isAdobe = each.kind === 'adobe';
    const demand = isAdobe ? guard.adobeAuth : each.demand;
    if (demand === undefined) throw unusable('the operator has chosen no issuer for require-adobe-auth');
    const token = bearerToken(authorization);
    if (token === undefined) throw oidcFault('OIDC_TOKEN_MISSING', 'This action needs a bearer token.');
    claims.push(await guard.tokens.check(token, demand, isAdobe ? undefined : namespace));
  }
  return claims[0];
}

/** @throws an error that is not about the token */
export function refusalOf(error: unknown, transactionId: string): WebAnswer {
  if (!isFault(error) || !error.code.startsWith('OIDC_')) throw error;
  const answer = errorAnswer(statusOfKind[error.kind], error.message, transactionId);
  return withHeaders(answer, challengeOf(error));
}

export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization ?? '')?.[1];
}

function challengeOf({ code, details, retryAfterMs }: Fault): AnswerHeaders {
  if (code === 'OIDC_TOKEN_MISSING') return { 'www-authenticate': 'Bearer' };
  if (code === 'OIDC_TOKEN_INVALID') return { 'www-authenticate': 'Bearer error="invalid_token"' };
  if (code === 'OIDC_SCOPE_MISSING')
    return { 'www-authenticate': `Bearer error="insufficient_scope", scope="${details?.['scope']}"` };
  return retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) };
}

function unusable(why: string) {
  return oidcFault('OIDC_UNAVAILABLE', `No one can call this action now: ${why}.`);
}
