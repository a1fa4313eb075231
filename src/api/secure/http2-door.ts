/**
 * HTTP/2 over connections that have agreed on it. One connection carries many requests, so a client could make Ward
 * work for free: open and reset streams, announce headers without an end, ask for acknowledgements that it never reads.
 * nghttp2 and Node count these, and end the connection; the limits are here.
 */
import {
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { Http2Request, Http2Response, socketsOfSessions } from './http2-messages.ts';

interface Http2Limits {
  readonly headBytes: number;
  /** Until the first request. */
  readonly headTimeoutMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
  /** Without a byte in either direction. */
  readonly idleTimeoutMs: number;
  readonly sweepMs: number;
}

export interface Http2Door {
  serve(handle: (request: Http2ServerRequest, response: Http2ServerResponse) => void): void;
  take(socket: TLSSocket): void;
  /** Open requests get their answers, then each connection ends. */
  leave(): void;
  end(): void;
}

/** At the same time, of one connection; RFC 9113, section 5.1.2, advises not to allow fewer. */
const maxStreams = 100;
/** Resets by the client: at once, and per second (CVE-2023-44487). */
const resets = { streamResetBurst: 200, streamResetRate: 20 };
/** Entries of one SETTINGS frame; unanswered pings; invalid frames; streams beyond the limit. */
const frames = {
  maxSettings: 32,
  maxOutstandingPings: 10,
  maxSessionInvalidFrames: 50,
  maxSessionRejectedStreams: 100,
};
/** MiB of headers, answers and acknowledgements that wait in one connection; beyond it, new requests are refused. */
const memory = { maxSessionMemory: 8 };
const maxHeaderPairs = 128;

export function openHttp2({
  headBytes,
  headTimeoutMs,
  keepAliveMs,
  idleTimeoutMs,
  sweepMs,
}: Http2Limits): Http2Door {
  /** When each connection was last without a request; undefined while it has one. */
  const sessions = new Map<ServerHttp2Session, { open: number; isUsed: boolean; idleSince: number }>();
  const server = createServer({
    ...{ ...resets, ...frames, ...memory, maxHeaderListPairs: maxHeaderPairs },
    settings: {
      maxConcurrentStreams: maxStreams,
      maxHeaderListSize: headBytes,
      enableConnectProtocol: false,
    },
    // An action may return a header twice; the client judges it, as in HTTP/1.1.
    strictSingleValueFields: false,
    Http2ServerRequest: Http2Request as unknown as typeof Http2ServerRequest,
    Http2ServerResponse: Http2Response as unknown as typeof Http2ServerResponse,
  });
  let coming: TLSSocket | undefined;
  server.on('session', (session) => {
    if (coming !== undefined) socketsOfSessions.set(session, coming);
    const state = { open: 0, isUsed: false, idleSince: performance.now() };
    sessions.set(session, state);
    session.setTimeout(idleTimeoutMs);
    session.on('timeout', () => session.destroy());
    session.on('error', () => session.destroy());
    session.once('close', () => sessions.delete(session));
    session.on('stream', (stream) => {
      state.open++;
      state.isUsed = true;
      stream.once('close', () => {
        state.open--;
        state.idleSince = performance.now();
      });
    });
  });
  server.on('sessionError', () => {});
  const sweep = () => {
    const now = performance.now();
    for (const [session, { open, isUsed, idleSince }] of sessions) {
      if (open > 0 || now - idleSince < (isUsed ? keepAliveMs : headTimeoutMs)) continue;
      if (session.closed) session.destroy();
      else session.close();
    }
  };
  const sweeper = setInterval(sweep, sweepMs);
  sweeper.unref();
  return {
    serve: (handle) => void server.on('request', handle),
    take(socket) {
      // A server of HTTP/1.1 keeps what its client has half closed. With HTTP/2, it would keep what its client has left.
      socket.allowHalfOpen = false;
      coming = socket;
      server.emit('connection', socket);
      coming = undefined;
    },
    leave() {
      for (const session of sessions.keys()) session.close();
    },
    end() {
      clearInterval(sweeper);
      for (const session of sessions.keys()) session.destroy();
    },
  };
}
