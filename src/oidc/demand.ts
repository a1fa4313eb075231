/** What a token must have to be accepted, and the checks of its content that need no signature. */
import { z } from 'zod';
import type { JsonObject } from '../lib/index.ts';
import { invalidToken, oidcFault } from './faults.ts';
import { type Issuer, parseIssuer } from './issuer.ts';

export interface TokenDemand {
  readonly issuer: Issuer;
  /** The token must be for one of them. */
  readonly audiences: readonly string[];
  /** The token must have all of them. */
  readonly scopes: readonly string[];
}

const name = z.string().min(1).max(512);
const mostNames = 32;
/** A scope is a scope-token of RFC 6749, appendix A.4. */
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/);

export const tokenDemandSchema = z
  .strictObject({
    issuer: z.string(),
    audience: z.union([name.transform((one) => [one]), z.array(name).min(1).max(mostNames)]),
    /** A list, or as in a token: separated by spaces. */
    scopes: z
      .union([z.string().transform((text) => text.split(' ').filter(Boolean)), z.array(z.string())])
      .pipe(z.array(scope).max(mostNames))
      .optional(),
  })
  .transform((value, context): TokenDemand => {
    const issuer = parseIssuer(value.issuer);
    if (issuer !== undefined) return { issuer, audiences: value.audience, scopes: value.scopes ?? [] };
    context.addIssue({
      code: 'custom',
      path: ['issuer'],
      message: 'not a URL like https://login.example.com',
    });
    return z.NEVER;
  });

/** Undefined if it is malformed. */
export function parseTokenDemand(value: unknown): TokenDemand | undefined {
  return tokenDemandSchema.safeParse(value).data;
}

/** @throws Fault OIDC_TOKEN_INVALID for a token of another issuer, or for another audience */
export function requireDestination(claims: JsonObject, { issuer, audiences }: TokenDemand): void {
  if (claims['iss'] !== issuer) throw invalidToken('another issuer made it');
  const given = [claims['aud']].flat();
  if (!audiences.some((audience) => given.includes(audience)))
    throw invalidToken('it is for another audience');
}

/** @throws Fault OIDC_SCOPE_MISSING */
export function requireScopes(claims: JsonObject, { scopes }: TokenDemand): void {
  const given = new Set([...scopesIn(claims['scope']), ...scopesIn(claims['scp'])]);
  const missing = scopes.filter((each) => !given.has(each));
  if (missing.length === 0) return;
  throw oidcFault('OIDC_SCOPE_MISSING', `The bearer token lacks the scope '${missing.join(' ')}'.`, {
    details: { scope: scopes.join(' ') },
  });
}

/** Issuers write `scope` as a text; some write `scp`, as a text or a list. */
function scopesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ');
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
