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

/** What an authority wants to see for a name; undefined when it has not asked for it. */
export type ProofOf = (name: string) => Promise<KeyPair | undefined>;

export function openAcmeChallenge(proofOf: ProofOf): AcmeChallenge {
  const tls = createServer({
    ALPNProtocols: [protocol],
    SNICallback(name, done) {
      const noProof = () => done(new Error('no proof for this name'));
      proofOf(name).then((proof) => {
        if (proof === undefined) noProof();
        else done(null, createSecureContext(proof));
      }, noProof);
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
