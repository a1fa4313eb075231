/**
 * Whether a node without an invoker of its own reaches those of other nodes, for its readiness. A cluster that has no
 * invoker yet is ready without the bus: the operator needs its API to make the authority, NATS's files and tokens.
 */
import type { Cluster } from '../../dispatch/index.ts';
import type { ClusterNodeRow } from '../../store/index.ts';

export interface BusReach {
  readonly bus: 'up' | 'down';
  /** Another API node may reach invokers, and this one does not. */
  readonly isCutOff: boolean;
}

/** An invoker reports every half second. */
const firstReportsMs = 2_000;

type Heard = Pick<Cluster, 'isUp' | 'nodes'>;

/** Whether one of the nodes in the database runs actions. */
export function knowsInvokers(noted: readonly Pick<ClusterNodeRow, 'role'>[]): boolean {
  return noted.some(({ role }) => role !== 'api');
}

/** @param knowsInvokers as the database said at the start @param now monotonic time in ms */
export function watchBus(
  cluster: Heard,
  knowsInvokers: boolean,
  now: () => number = () => performance.now(),
): () => BusReach {
  let isNeeded = knowsInvokers;
  /** When the bus was first seen up since it was down. */
  let upSince: number | undefined;
  return () => {
    const isUp = cluster.isUp();
    const hears = isUp && cluster.nodes().some(({ role }) => role !== 'api');
    isNeeded ||= hears;
    upSince = isUp ? (upSince ?? now()) : undefined;
    const isSettled = hears || (upSince !== undefined && now() - upSince >= firstReportsMs);
    return { bus: isUp ? 'up' : 'down', isCutOff: isNeeded && !isSettled };
  };
}
