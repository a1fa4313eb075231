/** Several certificates on one port: a client says which name it wants before the handshake (SNI, RFC 6066, section 3). */
import { constants, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

/** PEM; the certificate may have its chain behind it. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** The suites with forward secrecy and authenticated encryption; HTTP/2 forbids the others (RFC 9113, section 9.2.2). */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** @param clientCa PEM; vouches for clients */
export function contextOf({ cert, key }: KeyPair, clientCa: string | undefined): SecureContextOptions {
  return {
    ...{ cert, key, ca: clientCa, ciphers, minVersion: 'TLSv1.2', honorCipherOrder: true },
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  };
}

type ContextFor = (name: string) => SecureContext | undefined;

/**
 * Makes the search for the context for the name that a client wants; undefined when no certificate has it. The first
 * certificate with a name counts. A pair that was there before costs nothing: OpenSSL takes a millisecond for each, and tenants
 * can change their domains often.
 * @throws Error when OpenSSL can't use a pair
 */
export function nameSearch(clientCa: string | undefined): (pairs: readonly KeyPair[]) => ContextFor {
  const read = new WeakMap<KeyPair, { readonly context: SecureContext; readonly names: readonly string[] }>();
  const readOnce = (pair: KeyPair) => {
    const known = read.get(pair) ?? {
      context: createSecureContext(contextOf(pair, clientCa)),
      names: namesIn(pair),
    };
    read.set(pair, known);
    return known;
  };
  return (pairs) => {
    const contexts = new Map<string, SecureContext>();
    for (const { context, names } of pairs.map(readOnce))
      for (const name of names) if (!contexts.has(name)) contexts.set(name, context);
    return (wanted) => {
      const name = wanted.toLowerCase();
      // A wildcard stands for one label (RFC 6125, section 6.4.3).
      return contexts.get(name) ?? contexts.get(name.replace(/^[^.]+/, '*'));
    };
  };
}

function namesIn({ cert }: KeyPair): readonly string[] {
  const { subjectAltName = '' } = new X509Certificate(cert);
  const names = subjectAltName.matchAll(/(?:^|, )DNS:([a-z0-9_.*-]+)(?=,|$)/gi);
  return [...names].map(([, name = '']) => name.toLowerCase());
}
