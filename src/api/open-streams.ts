/**
 * Limits the event streams that a namespace has open at the same time, those of all namespaces together, and those of all
 * operators. A stream lasts for minutes, and Ward closes none to make room for a connection. Without these limits, one client
 * could lock out everyone else, and so could many namespaces together. Ward counts by who asked, whatever the protocol or the
 * connection.
 */
import type { FastifyInstance, preHandlerHookHandler } from 'fastify';
import { apiFault } from './faults.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer is server-sent events. */
    isStream?: true;
  }
}

const retryAfterMs = 5000;
/** The rest of the connections is for requests that end, and for operators. */
const shareOfConnections = 0.5;

interface StreamLimits {
  readonly connections: number;
  readonly streamsPerNamespace: number;
}

interface Holder {
  readonly name: string;
  /** Begins a sentence. */
  readonly who: string;
  readonly most: number;
}

/** Event streams that all namespaces together may have open. */
export function streamsOfNamespaces({ connections }: Pick<StreamLimits, 'connections'>): number {
  return Math.floor(connections * shareOfConnections);
}

/** Call it before adding routes. */
export function limitStreams(app: FastifyInstance, limits: StreamLimits): void {
  const most = limits.streamsPerNamespace;
  // No namespace has these names.
  const operators: Holder = { name: '', who: 'Operators have', most };
  const all: Holder = { name: '*', who: 'All namespaces together have', most: streamsOfNamespaces(limits) };
  const counts = new Map<string, number>();
  const countOf = ({ name }: Holder) => counts.get(name) ?? 0;
  const add = (holders: readonly Holder[], change: 1 | -1) => {
    for (const holder of holders) {
      const count = countOf(holder) + change;
      if (count > 0) counts.set(holder.name, count);
      else counts.delete(holder.name);
    }
  };
  const take: preHandlerHookHandler = ({ identity }, { raw }, done) => {
    const name = identity?.namespace;
    const holders = name === undefined ? [operators] : [{ name, who: 'The namespace has', most }, all];
    const full = holders.find((holder) => countOf(holder) >= holder.most);
    if (full !== undefined) return done(exceeded(full));
    // A client that has left closes nothing any more.
    if (!raw.destroyed) {
      add(holders, 1);
      raw.once('close', () => add(holders, -1));
    }
    done();
  };
  // Only these routes pay for it.
  app.addHook('onRoute', (route) => {
    if (route.config?.isStream === true) route.preHandler = [route.preHandler ?? [], take].flat();
  });
}

function exceeded({ who, most }: Holder) {
  return apiFault('STREAMS_EXCEEDED', `${who} ${most} event streams open, and may have no more.`, {
    hint: 'Close streams that nobody reads, and try again after the time in `Retry-After`.',
    retryAfterMs,
  });
}
