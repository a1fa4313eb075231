/**
 * The public keys of an issuer (RFC 7517), and what its discovery document says. Only what verifies signatures is kept:
 * no symmetric keys, no private parts, no certificates, and no keys of a size that makes checking expensive.
 */
import type { JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { type Issuer, parseHttps } from './issuer.ts';

/** Signatures with a public key (RFC 7518, RFC 8037, RFC 9864). Never `none` or `HS…`. */
export const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

const mostKeys = 50;
/** 2048 and 4096 bits in base64url. */
const shortestModulus = 342;
const longestModulus = 683;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

const common = {
  kid: z.string().max(256).optional(),
  alg: z.string().max(32).optional(),
  use: z.string().max(32).optional(),
  key_ops: z.array(z.string().max(32)).max(8).optional(),
};
const coordinate = z.string().min(1).max(88);
const keySchema = z.discriminatedUnion('kty', [
  z.object({
    kty: z.literal('RSA'),
    ...common,
    n: z.string().min(shortestModulus).max(longestModulus),
    e: z.string().max(8),
  }),
  z.object({ kty: z.literal('EC'), ...common, crv: z.string().max(16), x: coordinate, y: coordinate }),
  z.object({ kty: z.literal('OKP'), ...common, crv: z.string().max(16), x: coordinate }),
]);
const setSchema = z.object({ keys: z.array(z.unknown()).max(mostKeys) });

/** The URL of the issuer's keys. @throws Error */
export function jwksUrlOf(document: unknown, issuer: Issuer): URL {
  const parsed = discoverySchema.safeParse(document);
  if (!parsed.success) throw new Error('its discovery document has no issuer or no jwks_uri');
  if (parsed.data.issuer !== issuer) throw new Error('its discovery document names another issuer');
  const url = parseHttps(parsed.data.jwks_uri);
  if (url === undefined) throw new Error('its keys are not at an https URL');
  return url;
}

/** Finds the key for a token; keys that can't verify signatures are left out. @throws Error */
export async function keysOf(document: unknown): Promise<JWTVerifyGetKey> {
  const parsed = setSchema.safeParse(document);
  if (!parsed.success) throw new Error(`its keys are not a list of at most ${mostKeys}`);
  const keys = parsed.data.keys.flatMap((each) => keySchema.safeParse(each).data ?? []);
  if (keys.length === 0) throw new Error('it has no public key that Ward can use');
  const { createLocalJWKSet } = await import('jose');
  // Zod writes absent fields as possibly undefined.
  return createLocalJWKSet(JSON.parse(JSON.stringify({ keys })));
}
