/**
 * `GET /ward/v1/operator/stream`: tells operators, as server-sent events, that what they look at has changed. An event names what:
 * `calls`, `nodes`, `violations`. With `namespace=NAME`, `records` tells that records of this namespace came or went: a browser has few
 * connections, and its page may need both. Ward ends a stream after some minutes, so that clients spread over the servers of a cluster again.
 */
import type { FastifyInstance } from 'fastify';
import { type Functions, parseNamespaceName } from '../../functions/index.ts';
import { queryText } from '../query.ts';
import { releaseMemory } from '../request-memory.ts';
import { addResource } from '../resource.ts';
import { openEvents } from '../resources/event-stream.ts';
import { recordsWatch } from '../resources/records-stream.ts';

export interface OperatorNews {
  /** By the name of an event: a text that changes with what it is about. */
  news(): Promise<Readonly<Record<string, string>>>;
}

const lookEveryMs = 1000;
const longestMs = 10 * 60_000;

type Listener = (event: string) => void;

/** @param scope for operators */
export function addOperatorStream(scope: FastifyInstance, functions: Functions, source: OperatorNews): void {
  const listen = watchNews(source);
  const listenToRecords = recordsWatch(functions);
  addResource(scope, ['/stream'], {
    GET: {
      access: 'operator',
      isStream: true,
      handler: async ({ query }, reply) => {
        const asked = queryText(query, 'namespace');
        const namespace = asked === undefined ? undefined : parseNamespaceName(asked);
        const gone = new AbortController();
        const events = openEvents(reply, gone);
        if (gone.signal.aborted) return reply;
        releaseMemory(reply.raw);
        const tell = (event: string) => void events.send(event, null);
        const { looked, forget } = listen(tell);
        const forgetRecords =
          namespace === undefined ? undefined : listenToRecords(namespace, () => tell('records'));
        const end = setTimeout(() => events.end('end', null), longestMs);
        gone.signal.addEventListener('abort', () => {
          clearTimeout(end);
          forget();
          forgetRecords?.();
        });
        await looked;
        await events.send('begin', null);
        return reply;
      },
    },
  });
}

interface Listening {
  /** Settles when later changes will be told. */
  readonly looked: Promise<void>;
  forget(): void;
}

/** Looks once for all listeners, and not at all without any. */
function watchNews(source: OperatorNews): (listener: Listener) => Listening {
  const listeners = new Set<Listener>();
  let timer: NodeJS.Timeout | undefined;
  let seen: Readonly<Record<string, string>> | undefined;
  let looking: Promise<void> | undefined;
  const look = async () => {
    // While the database is away, the next look tells.
    const now = await source.news().catch(() => seen);
    const before = seen;
    seen = now;
    looking = undefined;
    for (const [event, text] of Object.entries(before === undefined ? {} : (now ?? {})))
      if (text !== before?.[event]) for (const listener of listeners) listener(event);
  };
  return (listener) => {
    listeners.add(listener);
    const lookOnce = () => (looking ??= look());
    timer ??= setInterval(() => void lookOnce(), lookEveryMs);
    return {
      looked: lookOnce(),
      forget() {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
        seen = undefined;
      },
    };
  };
}
