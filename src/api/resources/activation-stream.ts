/**
 * `GET …/activations/{id}/stream`: follows an activation as server-sent events. `log` carries a line of its log as a
 * JSON string, `end` its record (without logs). One that has ended already gives all of its log and its end at once.
 */
import type { FastifyReply, RouteHandlerMethod } from 'fastify';
import { checkActivationId, type Functions } from '../../functions/index.ts';
import { isFault, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { identityOf, namespaceOf, pathPart } from '../authentication.ts';

/** A client that reads more slowly than the log grows is let go, before its lines fill the memory. */
const longestBacklog = 4 * 1024 * 1024;
/** So that no proxy takes a silent run for a dead connection. */
const heartbeatMs = 15_000;

export function streamHandler({ activations, follow }: Functions): RouteHandlerMethod {
  return async (request, reply) => {
    const { namespace } = namespaceOf(request, identityOf(request));
    const id = pathPart(request, 'id');
    checkActivationId(id);
    const events = openEvents(reply);
    let sent = 0;
    const sendLine = (line: JsonValue) => {
      sent++;
      events.send('log', line);
    };
    const finish = () => {
      void endOf(activations, namespace, id).then(
        ({ logs, record }) => {
          // Its log is looked for a few times a second, so a short run may end before it was found.
          for (const line of logs.slice(sent)) sendLine(line);
          events.end('end', record);
        },
        () => events.end('end', null),
      );
    };
    const following = await follow(namespace, id, { onLine: sendLine, onEnd: finish });
    if (following !== undefined) {
      events.start(() => following[Symbol.dispose]());
      return reply;
    }
    const { logs, record } = partsOf(await lookUp(activations, namespace, id));
    events.start(() => {});
    for (const line of logs) sendLine(line);
    events.end('end', record);
    return reply;
  };
}

interface Parts {
  readonly logs: readonly JsonValue[];
  /** Without logs; null when none is kept. */
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

/** Its record, or what is known of it: it may be in the queue again. @throws Fault NOT_FOUND */
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
  /** Sends the head. */
  start(onClose: () => void): void;
  send(event: string, data: JsonValue): void;
  end(event: string, data: JsonValue): void;
}

function openEvents(reply: FastifyReply): Events {
  const { raw } = reply;
  let heartbeat: NodeJS.Timeout | undefined;
  const early: string[] = [];
  const write = (text: string) => {
    if (!raw.headersSent) early.push(text);
    else if (raw.writableLength > longestBacklog) raw.destroy();
    else raw.write(text);
  };
  return {
    start(onClose) {
      reply.hijack();
      // It says so once only: to a client that hung up before this nobody listened.
      if (raw.destroyed) return onClose();
      const headers = {
        ...reply.getHeaders(),
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // Otherwise nginx keeps lines back until it has a few KiB of them.
        'x-accel-buffering': 'no',
      };
      raw.writeHead(200, headers as Record<string, string>);
      raw.flushHeaders();
      heartbeat = setInterval(() => raw.write(': \n\n'), heartbeatMs);
      raw.once('close', () => {
        clearInterval(heartbeat);
        onClose();
      });
      for (const text of early) raw.write(text);
    },
    send: (event, data) => write(eventText(event, data)),
    end(event, data) {
      write(eventText(event, data));
      raw.end();
    },
  };
}

function eventText(event: string, data: JsonValue): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
