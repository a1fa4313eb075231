/**
 * Short-lived tokens: JSON Web Tokens with HMAC-SHA-256, under a key that all servers of a database have. A token names
 * granted and refused rights, so a client learns that it lacks a right, or that it must request it first. Source: RFC 7519; distribution's docs/spec/auth/jwt.md.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { isRepositoryName } from '../content/index.ts';
import { newId } from '../lib/index.ts';

const rightsSchema = z.array(z.enum(['pull', 'push']));
const claimsSchema = z.object({
  iss: z.literal('ward'),
  aud: z.literal('ward'),
  /** Epoch seconds. */
  exp: z.number(),
  /** Undefined for a client without a key. */
  sub: z.string().optional(),
  createdAt: z.number().optional(),
  keyId: z.string().optional(),
  access: z.array(
    z.object({
      type: z.literal('repository'),
      name: z.string().refine(isRepositoryName),
      actions: rightsSchema,
      refused: rightsSchema,
    }),
  ),
  catalog: z.array(z.string()).readonly().optional(),
});

export type Grants = Pick<z.infer<typeof claimsSchema>, 'sub' | 'createdAt' | 'keyId' | 'access' | 'catalog'>;

/** The first one signs; a token of any of them is valid. */
export type TokenKeys = readonly [Uint8Array, ...Uint8Array[]];

export interface Tokens {
  issue(grants: Grants): {
    readonly token: string;
    readonly issuedAt: string;
    readonly lifetimeSeconds: number;
  };
  /** Returns undefined for a foreign or expired token. */
  verify(token: string): Grants | undefined;
}

const header = encode({ alg: 'HS256', typ: 'JWT' });

/** @param now in epoch milliseconds */
export function createTokens(keys: () => TokenKeys, lifetimeMs: number, now: () => number): Tokens {
  const signatureOf = (text: string, key: Uint8Array) => createHmac('sha256', key).update(text).digest();
  return {
    issue(grants) {
      const at = now();
      const lifetimeSeconds = Math.floor(lifetimeMs / 1000);
      const seconds = Math.floor(at / 1000);
      const claims = { iss: 'ward', aud: 'ward', iat: seconds, nbf: seconds, exp: seconds + lifetimeSeconds };
      const text = `${header}.${encode({ ...claims, jti: newId(), ...grants })}`;
      return {
        token: `${text}.${signatureOf(text, keys()[0]).toString('base64url')}`,
        issuedAt: new Date(seconds * 1000).toISOString(),
        lifetimeSeconds,
      };
    },
    verify(token) {
      const [head, body, signature, ...rest] = token.split('.');
      if (head !== header || body === undefined || signature === undefined || rest.length > 0)
        return undefined;
      const actual = Buffer.from(signature, 'base64url');
      const isOf = (key: Uint8Array) => {
        const expected = signatureOf(`${head}.${body}`, key);
        return actual.length === expected.length && timingSafeEqual(actual, expected);
      };
      if (!keys().some(isOf)) return undefined;
      const claims = claimsSchema.parse(JSON.parse(Buffer.from(body, 'base64url').toString()));
      return claims.exp * 1000 > now() ? claims : undefined;
    },
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
