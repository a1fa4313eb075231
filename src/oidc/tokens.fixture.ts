/** An issuer whose keys and tokens a test makes as it likes. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JWK, type JWTPayload, type JWTVerifyGetKey, SignJWT } from 'jose';
import { parseIssuer } from './issuer.ts';
import { keysOf } from './key-set.ts';

export const issuer = parseIssuer('https://login.example.com') ?? fail();
export const audience = 'https://api.example.com';
export const demand = { issuer, audiences: [audience], scopes: [] };
/** Epoch seconds at which the tests' tokens are made. */
export const madeAt = 1_800_000_000;

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK & { readonly kid: string };
}

/** An EC key: those are made fast. */
export function newKey(kid: string): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicJwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg: 'ES256' } };
}

export const claims = { iss: issuer, aud: audience, sub: 'ada', exp: madeAt + 300, iat: madeAt } as const;

/** A valid token, unless the changes spoil it. */
export function sign(
  { privateKey, publicJwk }: TestKey,
  changes: JWTPayload = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return new SignJWT({ ...claims, ...changes })
    .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid, ...header })
    .sign(privateKey);
}

/** Finds these keys for tokens. */
export function keySet(...keys: readonly TestKey[]): Promise<JWTVerifyGetKey> {
  return keysOf({ keys: keys.map(({ publicJwk }) => publicJwk) });
}

/** A token whose parts are not checked by any library. */
export function rawToken(header: object, payload: object, signature = ''): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(payload)}.${signature}`;
}

function fail(): never {
  throw new TypeError('not an issuer');
}
