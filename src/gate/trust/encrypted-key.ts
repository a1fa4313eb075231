/**
 * A private key under a passphrase, as PKCS#8 in its standard form: PBES2 with scrypt and AES-256-CBC (RFC 8018,
 * RFC 7914). Node reads it and so does `openssl pkey`; it can't write it, since its own encryption derives the key by
 * 2048 rounds of PBKDF2 only. (cosign's own form needs XSalsa20, which Node does not have;
 * `cosign import-key-pair` takes what `openssl pkey` decrypts.)
 */
import { createCipheriv, type KeyObject, randomBytes, scryptSync } from 'node:crypto';

/** 16 MiB of memory, which is what OpenSSL allows for it, and five times the work. */
const cost = { N: 16_384, r: 8, p: 5 } as const;
const saltBytes = 16;
const ivBytes = 16;
const keyBytes = 32;

const oids = {
  pbes2: '06092a864886f70d01050d',
  scrypt: '06092b06010401da47040b',
  aes256Cbc: '060960864801650304012a',
} as const;

/** @returns PEM, `ENCRYPTED PRIVATE KEY` */
export function encryptPrivateKey(key: KeyObject, passphrase: string): string {
  const salt = randomBytes(saltBytes);
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-cbc', scryptSync(passphrase, salt, keyBytes, cost), iv);
  const encrypted = Buffer.concat([
    cipher.update(key.export({ format: 'der', type: 'pkcs8' })),
    cipher.final(),
  ]);
  const derivation = sequence(
    Buffer.from(oids.scrypt, 'hex'),
    sequence(octets(salt), integer(cost.N), integer(cost.r), integer(cost.p)),
  );
  const encryption = sequence(Buffer.from(oids.aes256Cbc, 'hex'), octets(iv));
  const algorithm = sequence(Buffer.from(oids.pbes2, 'hex'), sequence(derivation, encryption));
  return pem(sequence(algorithm, octets(encrypted)));
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN ENCRYPTED PRIVATE KEY-----', ...lines, '-----END ENCRYPTED PRIVATE KEY-----', ''].join(
    '\n',
  );
}

/** DER: tag, length, content. */
function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function octets(content: Buffer): Buffer {
  return element(0x04, content);
}

/** Encodes a positive number: a leading zero keeps it positive. */
function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
  return element(0x02, isNegative ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}
