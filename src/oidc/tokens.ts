/**
 * Checks bearer tokens: JWTs (RFC 7519) that an OpenID issuer has signed. The issuer's keys are read only for a token that
 * could be valid. A valid token is remembered for a minute, so that calls do not check the same signature each time.
 */
import { hash } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import { BoundedMap, isJsonObject, type JsonObject, nestsDeeperThan } from '../lib/index.ts';
import { requireDestination, requireScopes, type TokenDemand } from './demand.ts';
import { invalidToken } from './faults.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { algorithms } from './key-set.ts';

export interface Tokens {
  /**
   * Returns the claims of a valid token.
   * @param namespace of the tenant that names the issuer; undefined: the operator does
   * @throws Fault OIDC_TOKEN_INVALID, OIDC_SCOPE_MISSING, OIDC_UNAVAILABLE
   */
  check(token: string, demand: TokenDemand, namespace: string | undefined): Promise<JsonObject>;
}

interface TokensOptions {
  readonly issuerKeys: IssuerKeys;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

interface Remembered {
  readonly claims: JsonObject;
  /** Epoch milliseconds. */
  readonly until: number;
}

const longestToken = 8192;
const deepestClaims = 16;
/** How far the clocks of Ward and an issuer may differ. */
const toleranceSeconds = 30;
const rememberedMs = 60_000;
const mostRemembered = 1000;
/** Types that a token for an API may have. An ID token has `JWT` or none, a DPoP proof or a logout token its own. */
const types = [undefined, 'jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'];

export function createTokens({ issuerKeys, now = Date.now }: TokensOptions): Tokens {
  const remembered = new BoundedMap<string, Remembered>(mostRemembered);
  return {
    async check(token, demand, namespace) {
      if (token.length > longestToken) throw invalidToken(`it has more than ${longestToken} characters`);
      const key = `${namespace ?? ''} ${demand.issuer} ${hash('sha256', token, 'base64')}`;
      const known = remembered.get(key);
      const isKnown = known !== undefined && known.until > now();
      const claims = isKnown ? known.claims : await verify(token, demand, namespace, { issuerKeys, now });
      requireDestination(claims, demand);
      requireScopes(claims, demand);
      if (!isKnown) {
        const until = Math.min(now() + rememberedMs, Number(claims['exp']) * 1000);
        remembered.set(key, { claims, until });
      }
      return claims;
    },
  };
}

/** The issuer that a token names, which is not checked. @throws Fault OIDC_TOKEN_INVALID */
export async function issuerIn(token: string): Promise<unknown> {
  if (token.length > longestToken) throw invalidToken(`it has more than ${longestToken} characters`);
  const { decodeJwt } = await import('jose');
  return readOr(() => decodeJwt(token)).iss;
}

/**
 * Tells a token from all others of its issuer. Without an id of its own it is what was signed: a signature itself can
 * have several spellings.
 */
export function tokenId(token: string, { iss, jti }: JsonObject): string {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return hash('sha256', JSON.stringify(typeof jti === 'string' ? [iss, 'jti', jti] : [iss, 'token', signed]));
}

async function verify(
  token: string,
  demand: TokenDemand,
  namespace: string | undefined,
  { issuerKeys, now }: Required<TokensOptions>,
): Promise<JsonObject> {
  const { decodeJwt, decodeProtectedHeader } = await import('jose');
  const header = readOr(() => decodeProtectedHeader(token));
  requireUsualHeader(header);
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  if (nestsDeeperThan(payload, deepestClaims)) throw invalidToken('its claims are nested too deeply');
  const claims = requireClaims(readOr(() => decodeJwt(token)));
  requireDestination(claims, demand);
  requireBearer(claims);
  requireTime(claims, now() / 1000);
  const owner = { issuer: demand.issuer, namespace };
  const first = await tryKeys(token, await issuerKeys.keys(owner), now);
  if (first !== 'no such key') return first;
  // The issuer may have begun to use another key since.
  const newer = await issuerKeys.newerKeys(owner);
  const second = newer === undefined ? 'no such key' : await tryKeys(token, newer, now);
  if (second === 'no such key') throw invalidToken('its issuer has no such key');
  return second;
}

/** @throws Fault OIDC_TOKEN_INVALID */
async function tryKeys(
  token: string,
  keys: JWTVerifyGetKey,
  now: () => number,
): Promise<JsonObject | 'no such key'> {
  const { errors, jwtVerify } = await import('jose');
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms,
      clockTolerance: toleranceSeconds,
      currentDate: new Date(now()),
    });
    return requireClaims(payload);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return 'no such key';
    const isUnclear = error instanceof errors.JWKSMultipleMatchingKeys;
    const why = isUnclear ? 'it does not say which key signed it' : 'its signature or a claim is wrong';
    // The keys of an issuer can be malformed in many ways, and each means that nothing is proved.
    throw invalidToken(why, error);
  }
}

/** @throws Fault OIDC_TOKEN_INVALID */
function requireUsualHeader({ alg, typ, crit }: { alg?: unknown; typ?: unknown; crit?: unknown }): void {
  if (!algorithms.some((each) => each === alg))
    throw invalidToken('it is not signed with a public-key algorithm');
  if (crit !== undefined) throw invalidToken('it has critical headers, which Ward does not know');
  const type = typeof typ === 'string' ? typ.toLowerCase() : typ;
  if (!types.some((each) => each === type)) throw invalidToken('it is a token for something else');
}

/**
 * A token with `cnf` is for the one who holds another key, and worth nothing without a proof of it (RFC 9449, RFC 8705).
 * @throws Fault OIDC_TOKEN_INVALID
 */
function requireBearer(claims: JsonObject): void {
  if (claims['cnf'] !== undefined) throw invalidToken('it is bound to a key, so it is no bearer token');
  const subject = claims['sub'];
  if (typeof subject !== 'string' || subject === '') throw invalidToken('it has no subject');
}

/** @throws Fault OIDC_TOKEN_INVALID */
function requireTime({ exp, nbf }: JsonObject, seconds: number): void {
  if (typeof exp !== 'number') throw invalidToken('it has no end');
  if (exp + toleranceSeconds <= seconds) throw invalidToken('it has expired');
  if (typeof nbf === 'number' && nbf - toleranceSeconds > seconds) throw invalidToken('it is not valid yet');
}

function requireClaims(payload: unknown): JsonObject {
  if (!isJsonObject(payload)) throw invalidToken('it is not a signed JWT');
  return payload;
}

function readOr<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw invalidToken('it is not a signed JWT');
  }
}
