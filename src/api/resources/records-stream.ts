/**
 * `GET …/activations/stream`: tells when records of a namespace came or went, on any server, as server-sent events. `total`
 * carries their number, at first and after changes, at most once a second. Ward ends a stream after some minutes, so that clients
 * spread over the servers of a cluster again.
 */
import type { FastifyInstance } from 'fastify';
import type { Functions } from '../../functions/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { releaseMemory } from '../request-memory.ts';
import { addResource } from '../resource.ts';
import { openEvents } from './event-stream.ts';

const lookEveryMs = 1000;
const longestMs = 10 * 60_000;

type Listener = (total: number) => void;

/** Looks at a namespace once for all its listeners. */
interface Watch {
  readonly listeners: Set<Listener>;
  readonly timer: NodeJS.Timeout;
  /** Size of its records in the store: it changes when a record replaces another one, too. */
  seen: string | undefined;
  isLooking: boolean;
}

/** @param scope with authentication, below `/ward/v1` */
export function addRecordsStream(scope: FastifyInstance, functions: Functions): void {
  const listen = recordsWatch(functions);
  addResource(scope, ['/namespaces/:ns/activations/stream'], {
    GET: {
      access: 'read',
      isStream: true,
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const total = await functions.activations.count({ namespace });
        const gone = new AbortController();
        const events = openEvents(reply, gone);
        if (gone.signal.aborted) return reply;
        releaseMemory(reply.raw);
        await events.send('total', total);
        const forget = listen(namespace, (now) => void events.send('total', now));
        const end = setTimeout(() => events.end('end', null), longestMs);
        gone.signal.addEventListener('abort', () => {
          clearTimeout(end);
          forget();
        });
        if (gone.signal.aborted) forget();
        return reply;
      },
    },
  });
}

/** @returns starts to listen; the answer ends it */
export function recordsWatch({ quotas, activations }: Functions) {
  const watches = new Map<string, Watch>();
  const look = async (namespace: string, watch: Watch) => {
    if (watch.isLooking) return;
    watch.isLooking = true;
    try {
      // Writes what waits in memory, so that the next line sees it.
      const total = await activations.count({ namespace });
      const { records } = await quotas.usage(namespace);
      const seen = `${total} ${records.used}`;
      const isNews = watch.seen !== seen;
      watch.seen = seen;
      if (isNews) for (const listener of watch.listeners) listener(total);
    } catch {
      // The next look tells: the database is away, or the namespace is gone.
    } finally {
      watch.isLooking = false;
    }
  };
  return (namespace: string, listener: Listener): (() => void) => {
    let watch = watches.get(namespace);
    if (watch === undefined) {
      const timer = setInterval(() => void look(namespace, made), lookEveryMs);
      const made: Watch = { listeners: new Set(), timer, seen: undefined, isLooking: false };
      watches.set(namespace, made);
      watch = made;
      void look(namespace, made);
    }
    const { listeners, timer } = watch;
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      clearInterval(timer);
      if (watches.get(namespace)?.listeners === listeners) watches.delete(namespace);
    };
  };
}
