/** An answer that is server-sent events. */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import type { JsonValue } from '../../lib/index.ts';

/** Ward drops a client that reads nothing for this long. */
const longestStallMs = 60_000;
/** Keeps proxies from closing a silent connection. */
const heartbeatMs = 15_000;

export interface EventStream {
  /** Settles when the client can take more. Sends nothing to a client that has gone. */
  send(event: string, data: JsonValue, id?: number): Promise<void>;
  /** Sends the last event. */
  end(event: string, data: JsonValue): void;
}

/** Sends the head. @param gone aborted when the client goes or is dropped */
export function openEvents(reply: FastifyReply, gone: AbortController): EventStream {
  const { raw } = reply;
  reply.hijack();
  const untilDrained = async () => {
    const stalled = setTimeout(() => raw.destroy(), longestStallMs);
    // It rejects when the client is gone.
    await once(raw, 'drain', { signal: gone.signal }).catch(() => {});
    clearTimeout(stalled);
  };
  const events: EventStream = {
    async send(event, data, id) {
      const text = (id === undefined ? '' : `id: ${id}\n`) + eventText(event, data);
      if (!gone.signal.aborted && !raw.write(text)) await untilDrained();
    },
    end: (event, data) => void raw.end(eventText(event, data)),
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
  const heartbeat = setInterval(() => raw.write(': \n\n'), heartbeatMs);
  raw.once('close', () => {
    clearInterval(heartbeat);
    gone.abort();
  });
  return events;
}

function eventText(event: string, data: JsonValue): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
