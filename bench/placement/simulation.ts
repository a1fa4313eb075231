/** A cluster under load in simulated time, with Ward's placement or another way to bring calls to invokers. */
import { operatorPolicy } from '../../src/sandbox/index.ts';
import { createCentralQueue } from './central.ts';
import { Clock } from './clock.ts';
import { SimulatedInvoker } from './invoker.ts';
import { exponential, seededRandom } from './random.ts';
import { chanceChoice, createRouting, type Router, wardChoice } from './routers.ts';
import { type Figures, Tally } from './tally.ts';
import { createWorkload, type Workload } from './workload.ts';

export type Placement = 'ward' | 'central' | 'chance';

export interface Cluster {
  readonly invokers: number;
  readonly actions: number;
  readonly apiNodes: number;
  /** Jobs that may wait on one invoker. */
  readonly mostQueued?: number;
}

export interface Run extends Cluster {
  readonly placement: Placement;
  /** Execution asked for, as a share of all processors. */
  readonly load: number;
  /** The load grows to its full size in this time, and is not measured. */
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** Largest p99 of the latency for each load, as a multiple of the central queue's. */
export const latencyGoals = [
  { load: 0.5, most: 1.25 },
  { load: 0.7, most: 1.25 },
  { load: 0.9, most: 1.5 },
] as const;
/** Most cold starts, as a multiple of the central queue's. */
export const coldGoal = 1.25;

const traits = {
  processors: 4,
  memoryMiB: 16_384,
  mostQueued: 200,
  keepAliveMs: 600_000,
  coldMs: 200,
  warmMs: 3,
};
const heartbeatMs = 500;
const measuredBeforeMs = 5_000;
const recoveredShare = 2;
const hopMs = 0.3;
/** When a caller that was refused comes back: what Ward's answer asks for. */
const retryMs = 1_000;

/** Runs a cluster under a steady load. */
export function simulate(run: Run): Figures {
  const cluster = createCluster(run);
  cluster.offer(run.load, run.warmUpMs, true);
  cluster.clock.runUntil(run.warmUpMs);
  const tally = cluster.newTally();
  cluster.offer(run.load, run.measuredMs, false);
  cluster.clock.runUntil(run.warmUpMs + run.measuredMs);
  return tally.figures();
}

interface Restart {
  /** How often a caller was told to come back later. */
  readonly refusals: number;
  /** Time until p99 of the delay in a second and the number of calls under way are as before, within a factor 2. */
  readonly recoveryMs: number | undefined;
}

/**
 * Restarts all invokers and API nodes at once, under load. Callers whose call is lost or refused make it again, and the
 * calls of `backlogMs` come with them.
 */
export function simulateRestart(run: Run, backlogMs: number): Restart {
  const cluster = createCluster(run, true);
  cluster.offer(run.load, run.warmUpMs, true);
  cluster.clock.runUntil(run.warmUpMs);
  const before = cluster.newTally();
  cluster.offer(run.load, measuredBeforeMs, false);
  cluster.clock.runUntil(run.warmUpMs + measuredBeforeMs);
  const { delayP99Ms: beforeMs } = before.figures();
  const openBefore = cluster.open();
  cluster.restart();
  cluster.offerAtOnce(run.load, backlogMs);
  let refusals = 0;
  let recoveryMs: number | undefined;
  for (let second = 1; second * 1_000 <= run.measuredMs && recoveryMs === undefined; second++) {
    const tally = cluster.newTally();
    cluster.offer(run.load, 1_000, false);
    cluster.clock.runUntil(run.warmUpMs + measuredBeforeMs + second * 1_000);
    const figures = tally.figures();
    refusals += figures.shed * figures.calls;
    const isQuick = figures.delayP99Ms <= recoveredShare * beforeMs;
    if (isQuick && cluster.open() <= recoveredShare * openBefore) recoveryMs = second * 1_000;
  }
  return { refusals: Math.round(refusals), recoveryMs };
}

/** @param isPatient whether callers who are told to come back later do so */
function createCluster(run: Run, isPatient = false) {
  const clock = new Clock();
  const workload = createWorkload(run.actions);
  const abilities = { operator: operatorPolicy({}), gvisorObstacle: undefined };
  const { mostQueued = traits.mostQueued } = run;
  const invokers = Array.from(
    { length: run.invokers },
    (_, at) => new SimulatedInvoker(`node-${at}`, clock, { ...traits, mostQueued, abilities }),
  );
  const router = createRouter(run, clock, invokers);
  const random = seededRandom(1);
  let tally = new Tally();
  let life = 0;
  /** Makes the call again, for each that has not ended. */
  const open = new Set<() => void>();
  const callOnce = () => {
    const action = workload.pick(random);
    const executionMs = exponential(random, action.meanMs);
    const startedAt = clock.now;
    const call = () => {
      const begunIn = life;
      const unlessLost = (go: () => void) => begunIn === life && go();
      router.route({
        action,
        executionMs,
        ended: (isCold) =>
          unlessLost(() => {
            open.delete(call);
            tally.ended(clock.now - startedAt, executionMs, isCold);
          }),
        refused: () => tally.refused(),
        shed: () =>
          unlessLost(() => {
            tally.shed();
            if (isPatient) clock.after(retryMs, () => unlessLost(call));
            else open.delete(call);
          }),
      });
    };
    open.add(call);
    call();
  };
  return {
    clock,
    /** Calls that have not ended. */
    open: () => open.size,
    /** What runs or waits is lost, and so is what the API nodes know of the invokers. */
    restart() {
      life++;
      for (const invoker of invokers) invoker.restart();
      router.restarted();
      for (const call of [...open]) call();
    },
    newTally: () => (tally = new Tally()),
    /** Calls arrive by chance until then. */
    offer(load: number, forMs: number, isGrowing: boolean) {
      const meanGapMs = gapMs(run, workload, load);
      const [begunAt, until] = [clock.now, clock.now + forMs];
      const arrive = () => {
        if (clock.now >= until) return;
        if (!isGrowing || random() < (clock.now - begunAt) / forMs) callOnce();
        clock.after(exponential(random, meanGapMs), arrive);
      };
      clock.after(exponential(random, meanGapMs), arrive);
    },
    /** The calls of that time arrive now. */
    offerAtOnce(load: number, ofMs: number) {
      for (let left = ofMs / gapMs(run, workload, load); left >= 1; left--) callOnce();
    },
  };
}

function createRouter(run: Run, clock: Clock, invokers: readonly SimulatedInvoker[]): Router {
  if (run.placement === 'central') return createCentralQueue(invokers, invokers.length * traits.mostQueued);
  const choose = run.placement === 'ward' ? wardChoice : chanceChoice;
  return createRouting(clock, invokers, { apiNodes: run.apiNodes, heartbeatMs, hopMs }, choose);
}

function gapMs(run: Run, { meanMs }: Workload, load: number): number {
  return meanMs / (run.invokers * traits.processors * load);
}
