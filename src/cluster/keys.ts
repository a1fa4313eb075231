/**
 * The two kinds of keys. Nodes and the authority have P-256 keys, which Node.js, NATS and PostgreSQL all accept in
 * TLS. A join token is an Ed25519 key, because its private half fits into a line.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';

/** What comes before the 32 bytes of an Ed25519 key in DER (RFC 8410, section 10). */
const ed25519Private = Buffer.from('302e020100300506032b657004220420', 'hex');
const ed25519Public = Buffer.from('302a300506032b6570032100', 'hex');
const ed25519Bytes = 32;

export function newNodeKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export function privatePem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The public half of a key in DER. */
export function publicDer(key: KeyObject): Buffer {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return half.export({ type: 'spki', format: 'der' });
}

/** Identifies a key pair: the SHA-256 of its public half, in 43 characters. */
export function keyId(key: KeyObject): string {
  return createHash('sha256').update(publicDer(key)).digest('base64url');
}

/** The public key of a node from outside; undefined when it is anything but a P-256 key. */
export function parseNodeKey(encoded: string): KeyObject | undefined {
  const der = Buffer.from(encoded, 'base64url');
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

export function newTokenKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

/** The private half in 43 characters. */
export function tokenSeed(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'der' }).subarray(-ed25519Bytes).toString('base64url');
}

/** The public half in 43 characters. */
export function tokenKeyId(key: KeyObject): string {
  return publicDer(key).subarray(-ed25519Bytes).toString('base64url');
}

/** @param seed 43 characters of base64url */
export function tokenKeyOf(seed: string): KeyObject {
  const der = Buffer.concat([ed25519Private, Buffer.from(seed, 'base64url')]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** @returns base64url */
export function signText(text: string, key: KeyObject): string {
  return sign(digestName(key), Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

export function isSigned(text: string, signature: string, key: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64url');
  return verify(digestName(key), Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, bytes);
}

/** @param id of `tokenKeyId` */
export function isSignedByToken(text: string, signature: string, id: string): boolean {
  const der = Buffer.concat([ed25519Public, Buffer.from(id, 'base64url')]);
  try {
    return isSigned(text, signature, createPublicKey({ key: der, format: 'der', type: 'spki' }));
  } catch {
    return false;
  }
}

/** Ed25519 has a digest of its own. */
function digestName(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}
