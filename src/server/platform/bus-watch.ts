/**
 * Whether a node without an invoker of its own reaches those of other nodes, for its readiness. A cluster that has no
 * invoker yet is ready without the bus: the operator needs its API to make the authority, NATS's files and tokens. When
 * no node hears an invoker, all stay ready: nothing is gained without an API. A node is alone that hears none while
 * others do, as when the servers of NATS are split.
 */
import type { Cluster } from '../../dispatch/index.ts';
import type { Log } from '../../lib/index.ts';
import type { ClusterNodeRow } from '../../store/index.ts';

export interface BusReach {
  readonly bus: 'up' | 'alone' | 'down';
  /** Another API node may reach invokers, and this one does not. */
  readonly isCutOff: boolean;
}

export interface BusWatch extends Disposable {
  reach(): BusReach;
  /** As of the last look. */
  isAlone(): boolean;
}

export interface BusWatchOptions {
  readonly cluster: Pick<Cluster, 'isUp' | 'heard'>;
  /** As the database said at the start. */
  readonly knowsInvokers: boolean;
  /** When some node last heard an invoker, as the database says now, by `now`. Undefined: it does not say. */
  readonly heardElsewhere: () => number | undefined;
  readonly log: Pick<Log, 'warn' | 'info'>;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

/** An invoker reports every half second. */
const firstReportsMs = 2_000;
/** All nodes hear the last report of an invoker within this time of each other. */
const sameReportMs = 2_000;
const lookMs = 500;

/** Whether one of the nodes in the database runs actions. */
export function knowsInvokers(noted: readonly Pick<ClusterNodeRow, 'role'>[]): boolean {
  return noted.some(({ role }) => role !== 'api');
}

export function watchBus(options: BusWatchOptions): BusWatch {
  const { cluster, heardElsewhere, log, now = () => performance.now() } = options;
  let isNeeded = options.knowsInvokers;
  let wasAlone = false;
  /** When the bus was first seen up since it was down. */
  let upSince: number | undefined;
  /** When the last report of an invoker arrived. */
  let heardAt = Number.NEGATIVE_INFINITY;
  const look = (): BusReach => {
    const isUp = cluster.isUp();
    const ages = cluster.heard().flatMap(({ report, ageMs }) => (report.role === 'api' ? [] : [ageMs]));
    const hears = isUp && ages.length > 0;
    if (hears) heardAt = now() - Math.min(...ages);
    upSince = isUp ? (upSince ?? now()) : undefined;
    const isSettled = hears || (upSince !== undefined && now() - upSince >= firstReportsMs);
    const others = heardElsewhere();
    const isAlone = isUp && isSettled && !hears && others !== undefined && others > heardAt + sameReportMs;
    isNeeded ||= hears || isAlone;
    if (isAlone && !wasAlone)
      log.warn('this node hears no invoker, but others do: the servers of NATS may be split');
    else if (wasAlone && !isAlone) log.info({ hears }, 'this node is no longer alone without an invoker');
    wasAlone = isAlone;
    return {
      bus: isUp ? (isAlone ? 'alone' : 'up') : 'down',
      isCutOff: isNeeded && (!isSettled || isAlone),
    };
  };
  // Also while nobody asks: what it heard last counts.
  const timer = setInterval(look, lookMs);
  timer.unref();
  return { reach: look, isAlone: () => wasAlone, [Symbol.dispose]: () => clearInterval(timer) };
}
