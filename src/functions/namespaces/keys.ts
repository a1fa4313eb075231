/**
 * Keys of namespaces: `uuid:secret`, sent as HTTP Basic credentials. Only a hash of the secret is stored. A secret
 * has 380 bits of entropy, so one round of SHA-256 is enough.
 */
import { hash, randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import { functionFault } from '../faults.ts';

export interface ApiKey {
  /** The public part. */
  readonly id: string;
  readonly secret: string;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const secretLength = 64;
const maxHeaderLength = 1024;
const keyPattern = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([\x21-\x7e]{1,256})$/i;

export function newApiKey(): ApiKey {
  let secret = '';
  for (let i = 0; i < secretLength; i++) secret += alphabet[randomInt(alphabet.length)];
  return { id: randomUUID(), secret };
}

/** `uuid:secret`. */
export function formatApiKey(key: ApiKey): string {
  return `${key.id}:${key.secret}`;
}

/** SHA-256, hex. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex');
}

export function isSecret(secret: string, expectedHash: string): boolean {
  const expected = Buffer.from(expectedHash, 'hex');
  const actual = hash('sha256', secret, 'buffer');
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/**
 * Reads `Authorization: Basic …`.
 * @throws Fault AUTHENTICATION_MISSING, AUTHENTICATION_INVALID
 */
export function parseAuthorization(header: string | undefined): ApiKey {
  if (header === undefined || header === '') {
    throw functionFault(
      'AUTHENTICATION_MISSING',
      'The resource requires authentication, which was not supplied with the request',
    );
  }
  if (header.length > maxHeaderLength) throw invalidAuthentication();
  const credentials = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  if (credentials === undefined) throw invalidAuthentication();
  const match = keyPattern.exec(Buffer.from(credentials, 'base64').toString('latin1'));
  const [, id, secret] = match ?? [];
  if (id === undefined || secret === undefined) throw invalidAuthentication();
  return { id: id.toLowerCase(), secret };
}

export function invalidAuthentication() {
  return functionFault('AUTHENTICATION_INVALID', 'The supplied authentication is invalid');
}
