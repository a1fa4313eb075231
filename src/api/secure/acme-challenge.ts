/** Proves to an authority that this server has a name, on the port of TLS itself: TLS-ALPN-01 (RFC 8737). */
import type { Socket } from 'node:net';
import { createSecureContext, createServer } from 'node:tls';
import type { KeyPair } from './certificates-by-name.ts';

const protocol = 'acme-tls/1';

export interface AcmeChallenge {
  /** Only authorities ask for this protocol. @param first bytes of a connection */
  isAsked(first: Buffer): boolean;
  /** Shows the proof, and says nothing more. */
  answer(connection: Socket): void;
}

/** @param proofOf the certificate that the authority wants to see for a name; undefined when it has not asked for one */
export function openAcmeChallenge(proofOf: (name: string) => KeyPair | undefined): AcmeChallenge {
  const tls = createServer({
    ALPNProtocols: [protocol],
    SNICallback(name, done) {
      const proof = proofOf(name);
      if (proof === undefined) done(new Error('no proof for this name'));
      else done(null, createSecureContext(proof));
    },
  });
  tls.on('secureConnection', (socket) => socket.end());
  tls.on('tlsClientError', (_error, socket) => socket.destroy());
  return {
    // In the list of protocols of the ClientHello, which is not encrypted.
    isAsked: (first) => first.includes(protocol),
    answer: (connection) => void tls.emit('connection', connection),
  };
}
