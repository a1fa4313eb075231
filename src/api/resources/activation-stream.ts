/**
 * `GET …/activations/{id}/stream`: follows an activation as server-sent events. `log` carries a line of its log as a
 * JSON string, and its number in the whole log as the event's id. `end` carries its record (without logs). For an
 * activation that has already ended, all of its log and its end are sent at once.
 */
import { once } from 'node:events';
import type { FastifyReply, RouteHandlerMethod } from 'fastify';
import { formatLine, type LogPiece } from '../../dispatch/index.ts';
import { checkActivationId, type Functions } from '../../functions/index.ts';
import { isFault, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { identityOf, namespaceOf, pathPart } from '../authentication.ts';

/**
 * Ward drops a client that reads nothing for this long. Until then it falls behind, and is told how many lines it
 * misses.
 */
const longestStallMs = 60_000;
/** Keeps proxies from closing a silent connection. */
const heartbeatMs = 15_000;

export function streamHandler({ activations, follow }: Functions): RouteHandlerMethod {
  return async (request, reply) => {
    const { namespace } = namespaceOf(request, identityOf(request));
    const id = pathPart(request, 'id');
    checkActivationId(id);
    const gone = new AbortController();
    const log = await follow(namespace, id, gone.signal);
    const ended = log === undefined ? partsOf(await lookUp(activations, namespace, id)) : undefined;
    const events = openEvents(reply, gone);
    const sendAll = async () => {
      const sent = log === undefined ? 0 : await sendLog(events, log);
      if (gone.signal.aborted) return;
      const { logs, record } = ended ?? (await endOf(activations, namespace, id));
      for (const [at, line] of logs.entries()) if (at >= sent) await events.sendLine(at + 1, line);
      events.end('end', record);
    };
    void sendAll().catch(() => events.end('end', null));
    return reply;
  };
}

/** Returns how many lines of the whole log this was, including skipped ones. */
async function sendLog(events: Events, log: AsyncIterable<LogPiece>): Promise<number> {
  let sent = 0;
  for await (const { skipped, lines } of log) {
    sent += skipped;
    if (skipped > 0)
      await events.sendLine(sent, formatLine('stderr', `Earlier lines, not shown here: ${skipped}.`));
    for (const line of lines) await events.sendLine(++sent, line);
  }
  return sent;
}

interface Parts {
  readonly logs: readonly JsonValue[];
  /** Without logs. Null if no record is kept. */
  readonly record: JsonValue;
}

async function endOf(activations: Functions['activations'], namespace: string, id: string): Promise<Parts> {
  try {
    return partsOf(await lookUp(activations, namespace, id));
  } catch (error) {
    if (isFault(error, 'NOT_FOUND')) return { logs: [], record: null };
    throw error;
  }
}

function partsOf({ logs, ...record }: JsonObject): Parts {
  return { logs: Array.isArray(logs) ? logs : [], record };
}

/** Reads its record, or what is known of it, since it may be in the queue again. @throws Fault NOT_FOUND */
async function lookUp(
  activations: Functions['activations'],
  namespace: string,
  id: string,
): Promise<JsonObject> {
  try {
    return await activations.get(namespace, id);
  } catch (error) {
    const known = isFault(error, 'NOT_FOUND') ? await activations.pending(namespace, id) : undefined;
    if (known === undefined) throw error;
    return known;
  }
}

interface Events {
  /** Settles when the client can take more. Sends nothing to a client that has gone. */
  sendLine(number: number, line: JsonValue): Promise<void>;
  end(event: string, data: JsonValue): void;
}

/** Sends the head. @param gone aborted when the client goes or is dropped */
function openEvents(reply: FastifyReply, gone: AbortController): Events {
  const { raw } = reply;
  reply.hijack();
  const untilDrained = async () => {
    const stalled = setTimeout(() => raw.destroy(), longestStallMs);
    // It rejects when the client is gone.
    await once(raw, 'drain', { signal: gone.signal }).catch(() => {});
    clearTimeout(stalled);
  };
  const events: Events = {
    async sendLine(number, line) {
      const text = `id: ${number}\n${eventText('log', line)}`;
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
