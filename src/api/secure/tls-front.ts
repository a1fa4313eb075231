/**
 * Puts TLS before an HTTP server, on the same port. The server itself stays as it is: it gets the decrypted connections
 * of HTTP/1.1, with all its limits. Connections that agree on HTTP/2 go to a door of their own, whose requests end up
 * at the same server.
 *
 * A client costs little until its handshake is done: nothing of TLS is allocated before its first bytes, and one
 * deadline holds for them and for the handshake.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { openAcmeChallenge, type ProofOf } from './acme-challenge.ts';
import { contextOf, type KeyPair, nameSearch } from './certificates-by-name.ts';
import { openHttp2 } from './http2-door.ts';
import { refusePlain } from './plain-refusal.ts';
import { setTcpSocket } from './tcp-sockets.ts';

export interface TlsIdentity {
  /** The first is for clients that want no name, or one that no certificate has. */
  readonly pairs: readonly [KeyPair, ...KeyPair[]];
  /** PEM. Clients are asked for a certificate of this authority, and may have none. Absent: they are not asked. */
  readonly clientCa?: string | undefined;
  /** What an authority wants to see that issues a certificate for a name. Absent: no authority asks here. */
  readonly proofOf?: ProofOf | undefined;
}

export interface TlsFrontLimits {
  readonly headBytes: number;
  /** Until the handshake is done. */
  readonly headTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly idleTimeoutMs: number;
  readonly sweepMs: number;
}

export interface TlsFront {
  /** New connections use the pairs; open ones go on with the old. @throws Error when OpenSSL can't use one: all stay */
  renew(pairs: TlsIdentity['pairs']): void;
  /** Takes over the connections of a server that does not listen yet. */
  protect(server: Server): Server;
  /** Open requests of HTTP/2 get their answers; their connections take no more. */
  leave(): void;
  end(): void;
}

export type OpenTlsFront = typeof openTlsFront;

/** The first byte of a TLS connection: a record of the handshake (RFC 8446, section 5.1). */
const handshakeRecord = 0x16;

/** @throws Error when OpenSSL can't use a pair */
export function openTlsFront({ pairs, clientCa, proofOf }: TlsIdentity, limits: TlsFrontLimits): TlsFront {
  const http2 = openHttp2(limits);
  /** Connections whose handshake is not finished, by their two ends. */
  const shaking = new Map<string, Socket>();
  const challenge = proofOf && openAcmeChallenge(proofOf);
  const searchOf = nameSearch(clientCa);
  let contextFor = searchOf(pairs);
  const tls = createTlsServer({
    ...contextOf(pairs[0], clientCa),
    ...{ ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: limits.headTimeoutMs },
    ...{ requestCert: clientCa !== undefined, rejectUnauthorized: false },
    SNICallback: (name, done) => done(null, contextFor(name)),
  });
  const begin = (raw: Socket) => {
    const ends = endsOf(raw);
    shaking.set(ends, raw);
    const deadline = setTimeout(() => {
      if (shaking.get(ends) === raw) raw.destroy();
    }, limits.headTimeoutMs);
    raw.once('close', () => {
      clearTimeout(deadline);
      if (shaking.get(ends) === raw) shaking.delete(ends);
    });
    raw.on('error', () => raw.destroy());
    raw.once('readable', () => {
      const first: Buffer | null = raw.read();
      if (first === null) return void raw.destroy();
      if (first[0] !== handshakeRecord) return refusePlain(raw, first);
      raw.unshift(first);
      if (challenge?.isAsked(first)) return challenge.answer(raw);
      tls.emit('connection', raw);
    });
  };
  return {
    renew(next) {
      const nextContexts = searchOf(next);
      tls.setSecureContext(contextOf(next[0], clientCa));
      contextFor = nextContexts;
    },
    protect(server) {
      const serveHttp1 = server.listeners('connection');
      server.removeAllListeners('connection');
      server.on('connection', begin);
      http2.serve((request, response) => server.emit('request', request, response));
      tls.on('secureConnection', (socket: TLSSocket) => {
        const ends = endsOf(socket);
        const raw = shaking.get(ends);
        if (raw === undefined) return void socket.destroy();
        shaking.delete(ends);
        setTcpSocket(socket, raw);
        if (socket.alpnProtocol === 'h2') http2.take(socket);
        else for (const each of serveHttp1) each.call(server, socket);
      });
      return server;
    },
    leave: http2.leave,
    end() {
      http2.end();
      for (const raw of shaking.values()) raw.destroy();
    },
  };
}

/** The same text for a connection of TCP and for the one of TLS in it. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
