/**
 * `GET …/activations/{id}/stream`: follows an activation as server-sent events. `log` carries a line of its log as a
 * JSON string, and its number in the whole log as the event's id. `end` carries its record (without logs). For an
 * activation that has already ended, all of its log and its end are sent at once. A client that reads slowly falls behind, and
 * is told how many lines it misses.
 */
import type { RouteHandlerMethod } from 'fastify';
import { formatLine, type LogPiece } from '../../dispatch/index.ts';
import { checkActivationId, type Functions } from '../../functions/index.ts';
import { isFault, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { identityOf, namespaceOf, pathPart } from '../authentication.ts';
import { releaseMemory } from '../request-memory.ts';
import { type EventStream, openEvents } from './event-stream.ts';

export function streamHandler({ activations, follow }: Functions): RouteHandlerMethod {
  return async (request, reply) => {
    const { namespace } = namespaceOf(request, identityOf(request));
    const id = pathPart(request, 'id');
    checkActivationId(id);
    const gone = new AbortController();
    const log = await follow(namespace, id, gone.signal);
    const ended = log === undefined ? partsOf(await lookUp(activations, namespace, id)) : undefined;
    const events = openEvents(reply, gone);
    // A run that has ended may have a long log, which waits in memory until the client has read it.
    if (log !== undefined) releaseMemory(reply.raw);
    const sendAll = async () => {
      const sent = log === undefined ? 0 : await sendLog(events, log);
      if (gone.signal.aborted) return;
      const { logs, record } = ended ?? (await endOf(activations, namespace, id));
      for (const [at, line] of logs.entries()) if (at >= sent) await events.send('log', line, at + 1);
      events.end('end', record);
    };
    void sendAll().catch(() => events.end('end', null));
    return reply;
  };
}

/** Returns how many lines of the whole log this was, including skipped ones. */
async function sendLog(events: EventStream, log: AsyncIterable<LogPiece>): Promise<number> {
  let sent = 0;
  for await (const { skipped, lines } of log) {
    sent += skipped;
    if (skipped > 0)
      await events.send('log', formatLine('stderr', `Earlier lines, not shown here: ${skipped}.`), sent);
    for (const line of lines) await events.send('log', line, ++sent);
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
