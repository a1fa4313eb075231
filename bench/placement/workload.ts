/** The actions of the simulation, and how often each is called. */
import type { PlacementTarget } from '../../src/dispatch/index.ts';
import { normal, type Random, seededRandom } from './random.ts';

export interface SimulatedAction {
  readonly target: PlacementTarget;
  /** Its average execution in ms of a processor. */
  readonly meanMs: number;
}

export interface Workload {
  /** Average execution of a call in ms of a processor. */
  readonly meanMs: number;
  /** An action by chance: the popular ones more often. */
  pick(random: Random): SimulatedAction;
}

const namespaces = 1000;
/** Popularity falls with rank by this power, as in public traces of functions. */
const zipf = 1.1;
const medianMs = 200;
/** Spread of the logarithm of the average executions. */
const spread = 1;
const most = { meanMs: 5_000 };
const memories = [128, 256, 256, 512];

export function createWorkload(actionCount: number): Workload {
  const random = seededRandom(actionCount);
  const actions: SimulatedAction[] = [];
  const sums = new Float64Array(actionCount);
  let sum = 0;
  let weightedMs = 0;
  for (let rank = 0; rank < actionCount; rank++) {
    const share = (rank + 1) ** -zipf;
    const meanMs = Math.min(most.meanMs, medianMs * Math.exp(spread * normal(random)));
    sum += share;
    weightedMs += share * meanMs;
    sums[rank] = sum;
    actions.push({ target: targetOf(rank), meanMs });
  }
  return {
    meanMs: weightedMs / sum,
    pick(chance) {
      const wanted = chance() * sum;
      let [low, high] = [0, actionCount - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((sums[middle] as number) < wanted) low = middle + 1;
        else high = middle;
      }
      return actions[low] as SimulatedAction;
    },
  };
}

function targetOf(rank: number): PlacementTarget {
  const namespace = `ns${rank % namespaces}`;
  return {
    namespace,
    action: `/${namespace}/action${rank}`,
    revision: `1-${rank}`,
    kind: 'nodejs:24',
    limits: {
      timeoutMs: 60_000,
      memoryMiB: memories[rank % memories.length] as number,
      logBytes: 0,
      concurrency: 1,
    },
  };
}
