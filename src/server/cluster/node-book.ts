/**
 * Writes down what this node hears of all nodes, so that the operator's commands find it in the database, and reads
 * there which nodes the operator drained. Every node with the database does both.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, DrainOrdersByNode } from '../../dispatch/index.ts';
import { type JsonObject, type Log, messageOf } from '../../lib/index.ts';
import type { ClusterNodeStore, NotedNode } from '../../store/index.ts';
import { figuresOf } from './node-figures.ts';

interface NodeBookOptions {
  readonly nodes: ClusterNodeStore;
  readonly cluster: Pick<Cluster, 'heard' | 'drain'>;
  /** The name of this node. */
  readonly self: string;
  readonly log: Log;
}

export interface NodeBook extends AsyncDisposable {
  /** How many nodes take calls, with this one, of those that some node hears now. Undefined: the database does not say. */
  takers(): number | undefined;
  /**
   * When some node last heard an invoker that it still hears, by this machine's monotonic clock. Undefined: no node hears
   * one, or the database does not say.
   */
  invokerHeardAt(): number | undefined;
}

/** An order is noticed within this time. */
const lookMs = 500;
/** Each node is noted about this often, by one of the nodes. */
const noteMs = 2_000;
/** Of the nodes that are heard, in the order of their names. */
const mostNoted = 1_000;
const pruneEveryMs = 600_000;
/** Nodes that nobody heard for longer are forgotten. */
const forgetMs = 86_400_000;

/** The orders in the database. */
export async function readOrders({ orders }: Pick<ClusterNodeStore, 'orders'>): Promise<DrainOrdersByNode> {
  return new Map((await orders()).map(({ name, isDrained, at }) => [name, { isDrained, at }]));
}

/** A node that was noted in this time may have been restarted together with this one. */
const lateMs = 300_000;
/** A node that was noted in this time is heard by some node now. */
const nowMs = 10_000;

/** How many nodes take calls, with this one, of those that the servers have noted lately. */
export function countTakers(noted: readonly NotedNode[], self: string, withinMs = lateMs): number {
  const takes = noted.filter(({ name, role, ageMs }) => {
    return name !== self && role !== 'invoker' && ageMs <= withinMs;
  });
  return 1 + takes.length;
}

/** At least so long ago, some node has heard an invoker. */
function invokerAge(noted: readonly NotedNode[]): number {
  return Math.min(...noted.flatMap(({ role, ageMs }) => (role === 'api' ? [] : [ageMs])));
}

export function startNodeBook({ nodes, cluster, self, log }: NodeBookOptions): NodeBook {
  const ending = new AbortController();
  let read: { readonly takers: number; readonly invokerHeardAt: number; readonly at: number } | undefined;
  let hasFailed = false;
  let notedAt = Number.NEGATIVE_INFINITY;
  let prunedAt = performance.now();
  const turn = async () => {
    cluster.drain(await readOrders(nodes));
    const now = performance.now();
    if (now - notedAt >= noteMs) {
      notedAt = now;
      const noted = await nodes.note(heardRows(cluster), { everyMs: noteMs });
      // Before the question was asked: a late answer makes nothing younger.
      read = { takers: countTakers(noted, self, nowMs), invokerHeardAt: now - invokerAge(noted), at: now };
    }
    if (now - prunedAt < pruneEveryMs) return;
    prunedAt = now;
    await nodes.prune(forgetMs);
  };
  const run = async () => {
    while (!ending.signal.aborted) {
      try {
        await turn();
        hasFailed = false;
      } catch (error) {
        if (!hasFailed) log.warn({ reason: messageOf(error) }, 'cannot note the nodes of the cluster');
        hasFailed = true;
      }
      await delay(lookMs, undefined, { signal: ending.signal, ref: false }).catch(() => {});
    }
  };
  const running = run();
  return {
    takers: () => (read !== undefined && performance.now() - read.at <= nowMs ? read.takers : undefined),
    invokerHeardAt: () =>
      read !== undefined && performance.now() - read.invokerHeardAt <= nowMs
        ? read.invokerHeardAt
        : undefined,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}

function heardRows(cluster: Pick<Cluster, 'heard'>) {
  const byName = (one: { readonly name: string }, other: { readonly name: string }) =>
    one.name < other.name ? -1 : 1;
  return cluster
    .heard()
    .map(({ report, ageMs }) => {
      const { node: name, role, version } = report;
      return { name, role, version, ageMs, figures: figuresOf(report) as unknown as JsonObject };
    })
    .toSorted(byName)
    .slice(0, mostNoted);
}
