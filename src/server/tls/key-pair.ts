/**
 * Reads the certificate and the key that the server shows to its clients, and checks that they are of use: a server with
 * a pair that no client accepts looks well and serves nobody.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../../lib/index.ts';
import type { Config } from '../config/config.ts';
import type { KeyPairFiles } from '../config/tls-setting.ts';
import { serverFault } from '../faults.ts';

/** PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What the operator's files hold. */
export interface GivenTls {
  /** One for each of `tls.files`. Null: it is of no use, and Ward goes on without it. */
  readonly pairs: readonly (KeyPair | null)[];
  /** PEM: the authority of the certificates that operators show. Undefined: they need none. */
  readonly operatorCa: string | undefined;
}

const mostBytes = 256 * 1024;

/** @param now epoch milliseconds. @throws Fault TLS_UNFIT */
export async function readKeyPair(files: KeyPairFiles, now: number): Promise<KeyPair> {
  const [cert, key] = await Promise.all([readPem(files.cert, 'tls.cert'), readPem(files.key, 'tls.key')]);
  checkKeyPair({ cert, key }, now, files);
  return { cert, key };
}

/**
 * @param now epoch milliseconds
 * @param from names the pair in messages
 * @throws Fault TLS_UNFIT
 */
export function checkKeyPair(pair: KeyPair, now: number, from: KeyPairFiles): void {
  const { validFromDate, validToDate } = checkFit(pair, from);
  if (validToDate.getTime() <= now) {
    throw unfit(`the certificate in ${from.cert} expired at ${validToDate.toISOString()}`, 'renew it');
  }
  if (validFromDate.getTime() > now) {
    throw unfit(
      `the certificate in ${from.cert} is not valid before ${validFromDate.toISOString()}`,
      'check the clock of this machine, or use the certificate that is valid now',
    );
  }
}

/** As `checkKeyPair`, whatever the time is. @throws Fault TLS_UNFIT */
export function checkFit({ cert, key }: KeyPair, from: KeyPairFiles): X509Certificate {
  const certificate = certificateIn(cert, from.cert);
  const privateKey = privateKeyIn(key, from.key);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw unfit(
      `${from.key} is not the key of the certificate in ${from.cert}`,
      'name the two files that were made together; in a file with a chain, the server’s own certificate comes first',
    );
  }
  try {
    createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
  } catch (cause) {
    throw unfit(
      `OpenSSL refuses ${from.cert} with ${from.key}: ${messageOf(cause)}`,
      'RSA keys need 2048 bits or more; P-256 is a good choice',
      cause,
    );
  }
  return certificate;
}

/**
 * Without its own pair a server would serve nobody. A further one, such as a customer's, must not keep it from serving the others.
 * @throws Fault TLS_UNFIT
 */
export async function givenTls({ tls }: Pick<Config, 'tls'>): Promise<GivenTls> {
  if (tls === undefined) return { pairs: [], operatorCa: undefined };
  const pairs = await Promise.all(
    tls.files.map((files, i) => {
      const reading = readKeyPair(files, Date.now());
      const isOwn = i === 0 && tls.acme === undefined;
      return isOwn ? reading : reading.catch(() => null);
    }),
  );
  const operatorCa = tls.operatorCa && (await readPem(tls.operatorCa, 'tls.operatorCa'));
  if (tls.operatorCa && operatorCa) certificateIn(operatorCa, tls.operatorCa);
  return { pairs, operatorCa };
}

/** The URL of a server that shows the certificate: clients refuse a name that is not in it. */
export function urlNamedIn(cert: string, listening: string): string {
  const url = new URL(listening);
  url.protocol = 'https:';
  const certificate = new X509Certificate(cert);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!isFor(certificate, host)) url.hostname = firstName(certificate) ?? url.hostname;
  return url.origin;
}

/** @param host a name, or an address without brackets */
export function isFor(certificate: X509Certificate, host: string): boolean {
  // `checkIP` throws on a name.
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}

/** The name of the authority; empty when it has none. */
export function issuerOf(cert: string): string {
  const { issuer } = new X509Certificate(cert);
  const named = (part: string) => new RegExp(`^${part}=(.{1,200})`, 'm').exec(issuer)?.[1];
  return named('CN') ?? named('O') ?? '';
}

export function expiryOf(cert: string): Date {
  return new X509Certificate(cert).validToDate;
}

function firstName({ subjectAltName = '' }: X509Certificate): string | undefined {
  return /(?:^|, )DNS:([a-z0-9.-]+)(?:,|$)/i.exec(subjectAltName)?.[1];
}

async function readPem(file: string, setting: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length <= mostBytes) return bytes.toString('latin1');
  } catch (cause) {
    throw unfit(`${setting}: ${messageOf(cause)}`, 'name a file that exists and that Ward may read', cause);
  }
  throw unfit(`${setting}: ${file} is larger than ${mostBytes} bytes`, 'name a file in PEM');
}

function certificateIn(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unfit(`${file} holds no certificate in PEM`, 'it begins with -----BEGIN CERTIFICATE-----', cause);
  }
}

function privateKeyIn(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const isEncrypted = pem.includes('ENCRYPTED');
    throw unfit(
      isEncrypted ? `the key in ${file} needs a passphrase` : `${file} holds no private key in PEM`,
      isEncrypted
        ? 'write it without one, readable by root only: openssl pkey -in OLD -out NEW'
        : 'it begins with -----BEGIN PRIVATE KEY-----',
      cause,
    );
  }
}

function unfit(message: string, hint: string, cause?: unknown) {
  return serverFault('TLS_UNFIT', message, { hint, ...(cause === undefined ? {} : { cause }) });
}
