/**
 * Puts TLS before an HTTP server, on the same port. The server itself stays as it is: it gets the decrypted connections
 * of HTTP/1.1, with all its limits. Connections that agree on HTTP/2 go to a door of their own, whose requests end up
 * at the same server.
 *
 * A client costs little until its handshake is done: nothing of TLS is allocated before its first bytes, and one
 * deadline holds for them and for the handshake.
 */
import { constants } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { openHttp2 } from './http2-door.ts';
import { refusePlain } from './plain-refusal.ts';
import { setTcpSocket } from './tcp-sockets.ts';

/** PEM; the certificate may have its chain behind it. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
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
  /** New connections use the pair; open ones go on with the old one. @throws Error when OpenSSL can't use it */
  renew(pair: KeyPair): void;
  /** Takes over the connections of a server that does not listen yet. */
  protect(server: Server): Server;
  /** Open requests of HTTP/2 get their answers; their connections take no more. */
  leave(): void;
  end(): void;
}

export type OpenTlsFront = typeof openTlsFront;

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
/** The first byte of a TLS connection: a record of the handshake (RFC 8446, section 5.1). */
const handshakeRecord = 0x16;

/** @throws Error when OpenSSL can't use the pair */
export function openTlsFront(pair: KeyPair, limits: TlsFrontLimits): TlsFront {
  const http2 = openHttp2(limits);
  /** Connections whose handshake is not finished, by their two ends. */
  const shaking = new Map<string, Socket>();
  const tls = createTlsServer({
    ...contextOf(pair),
    ...{ ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: limits.headTimeoutMs },
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
      tls.emit('connection', raw);
    });
  };
  return {
    renew: (next) => tls.setSecureContext(contextOf(next)),
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

function contextOf({ cert, key }: KeyPair): TlsOptions {
  return {
    ...{ cert, key, ciphers, minVersion: 'TLSv1.2', honorCipherOrder: true },
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  };
}

/** The same text for a connection of TCP and for the one of TLS in it. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
