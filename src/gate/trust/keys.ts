/**
 * Signing keys and trusted keys. Ward makes ECDSA keys on P-256, as cosign does, and also trusts the other types that cosign
 * can sign with. The id of a key is the SHA-256 of its public half (SubjectPublicKeyInfo, DER).
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
import { isFault } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import { encryptPrivateKey } from './encrypted-key.ts';

export interface TrustedKey {
  /** 64 hex digits. */
  readonly id: string;
  /** PEM, `PUBLIC KEY`. */
  readonly publicKey: string;
  verify(content: Uint8Array, signature: Uint8Array): boolean;
}

export interface SigningKey extends TrustedKey {
  /** DER for ECDSA. */
  sign(content: Uint8Array): Buffer;
}

export interface KeyPair {
  /** PEM, `ENCRYPTED PRIVATE KEY`. */
  readonly privateKey: string;
  /** PEM, `PUBLIC KEY`; `cosign verify --key` takes it. */
  readonly publicKey: string;
}

const longestPem = 16 * 1024;
const smallestRsaBits = 2048;
const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** @throws Fault KEY_INVALID when the passphrase is empty */
export function generateKeyPair(passphrase: string): KeyPair {
  if (passphrase === '') {
    throw gateFault('KEY_INVALID', 'a private key needs a passphrase', {
      hint: 'give one that is not empty',
    });
  }
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey: encryptPrivateKey(privateKey, passphrase), publicKey: pemOf(publicKey) };
}

/**
 * Reads a private key in PKCS#8, encrypted or not.
 * @throws Fault KEY_LOCKED, KEY_INVALID
 */
export function readSigningKey(pem: string, passphrase: string): SigningKey {
  if (pem.includes('ENCRYPTED SIGSTORE PRIVATE KEY') || pem.includes('ENCRYPTED COSIGN PRIVATE KEY')) {
    throw gateFault('KEY_INVALID', 'Ward can’t sign with a private key of cosign', {
      hint: 'make a key with ward, or go on signing with cosign: its signatures are accepted',
    });
  }
  const key = privateKeyOf(pem, passphrase);
  const trusted = trustedKey(createPublicKey(key));
  const digest = digestFor(key);
  return { ...trusted, sign: (content) => sign(digest, content, key) };
}

/**
 * Reads a public key in PEM, such as `cosign.pub`.
 * @throws Fault KEY_INVALID
 */
export function readTrustedKey(pem: string): TrustedKey {
  if (pem.length > longestPem || pem.includes('PRIVATE KEY')) {
    throw gateFault('KEY_INVALID', 'this is not a public key', { hint: 'give the file that ends in .pub' });
  }
  try {
    return trustedKey(createPublicKey(pem));
  } catch (cause) {
    throw asKeyFault(cause);
  }
}

function privateKeyOf(pem: string, passphrase: string): KeyObject {
  if (pem.length > longestPem) throw gateFault('KEY_INVALID', 'this is not a private key');
  try {
    return createPrivateKey({ key: pem, format: 'pem', passphrase });
  } catch (cause) {
    if (pem.includes('ENCRYPTED PRIVATE KEY')) {
      throw gateFault('KEY_LOCKED', 'the passphrase does not open the private key', { cause });
    }
    throw asKeyFault(cause);
  }
}

function trustedKey(key: KeyObject): TrustedKey {
  const problem = weaknessOf(key);
  if (problem !== undefined) throw gateFault('KEY_INVALID', problem, { hint: 'make an ECDSA key on P-256' });
  const digest = digestFor(key);
  return {
    id: createHash('sha256')
      .update(key.export({ format: 'der', type: 'spki' }))
      .digest('hex'),
    publicKey: pemOf(key),
    verify(content, signature) {
      try {
        return verify(digest, content, key, signature);
      } catch {
        // OpenSSL refuses some malformed signatures with an error.
        return false;
      }
    },
  };
}

function weaknessOf(key: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return undefined;
  if (type === 'ec') {
    const curve = details?.namedCurve ?? 'unknown';
    return curves.has(curve) ? undefined : `keys on the curve ${curve} are not supported`;
  }
  if (type === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    return bits >= smallestRsaBits ? undefined : `an RSA key of ${bits} bits is too weak`;
  }
  return `keys of type ${type ?? 'unknown'} are not supported`;
}

/** Ed25519 hashes by itself. */
function digestFor(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString();
}

function asKeyFault(cause: unknown) {
  if (isFault(cause)) return cause;
  return gateFault('KEY_INVALID', 'this is not a key in PEM', { cause });
}
