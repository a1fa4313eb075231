/** An answer that is server-sent events. It ends when what let the client in lets it in no more. */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import type { CredentialEnd } from '../../functions/index.ts';
import type { JsonValue } from '../../lib/index.ts';

/** Ward drops a client that reads nothing for this long. */
const longestStallMs = 60_000;
/** Keeps proxies from closing a silent connection. */
const heartbeatMs = 15_000;
/** Time for the last event of a client that is refused. What it has not read by then, it does not get. */
const lastWordMs = 250;

export interface EventStream {
  /** Settles when the client can take more. Sends nothing to a client that has gone, or after the last event. */
  send(event: string, data: JsonValue, id?: number): Promise<void>;
  /** Sends the last event. */
  end(event: string, data: JsonValue): void;
}

/**
 * Sends the head.
 * @param reply of a scope that authenticates
 * @param gone aborted when the client goes, is dropped or is refused
 */
export function openEvents(reply: FastifyReply, gone: AbortController): EventStream {
  const { raw } = reply;
  reply.hijack();
  let isOver = false;
  let heartbeat: NodeJS.Timeout | undefined;
  const untilDrained = async () => {
    const stalled = setTimeout(() => raw.destroy(), longestStallMs);
    // It rejects when the client is gone.
    await once(raw, 'drain', { signal: gone.signal }).catch(() => {});
    clearTimeout(stalled);
  };
  const events: EventStream = {
    async send(event, data, id) {
      const text = (id === undefined ? '' : `id: ${id}\n`) + eventText(event, data);
      if (!gone.signal.aborted && !isOver && !raw.write(text)) await untilDrained();
    },
    end(event, data) {
      if (isOver) return;
      isOver = true;
      clearInterval(heartbeat);
      raw.end(eventText(event, data));
    },
  };
  // `close` comes only once, so a client that hung up before this would be missed.
  if (raw.destroyed) {
    gone.abort();
    return events;
  }
  const headers = {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Without this, nginx buffers lines until it has a few KiB of them.
    'x-accel-buffering': 'no',
  };
  raw.writeHead(200, headers as Record<string, string>);
  raw.flushHeaders();
  heartbeat = setInterval(() => raw.write(': \n\n'), heartbeatMs);
  const unwatch = whenRefused(reply, (refusal) => {
    events.end('refused', refusal);
    gone.abort();
    const dropping = setTimeout(() => raw.destroy(), lastWordMs);
    raw.once('close', () => clearTimeout(dropping));
  });
  raw.once('close', () => {
    unwatch();
    clearInterval(heartbeat);
    gone.abort();
  });
  return events;
}

/** What the next request of the client is answered. */
const refusals: Readonly<Record<CredentialEnd, JsonValue>> = {
  ended: { error: 'The key or the session of this stream has ended.', fault: 'AUTHENTICATION_INVALID' },
  unknown: { error: 'Keys cannot be checked now.', fault: 'AUTHENTICATION_STALE' },
};

function whenRefused({ request, server }: FastifyReply, refuse: (refusal: JsonValue) => void): () => void {
  if (server.watchCredential === undefined) throw new Error('a stream without authentication');
  return server.watchCredential(request, (end) => refuse(refusals[end]));
}

function eventText(event: string, data: JsonValue): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
