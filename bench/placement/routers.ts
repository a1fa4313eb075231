/** Ways to bring a call to an invoker: Ward's placement, and choice by chance. */

import type { InvokerDirectory, SentJob } from '../../src/dispatch/index.ts';
import { createInvokerDirectory } from '../../src/dispatch/placement/directory.ts';
import type { Clock } from './clock.ts';
import type { SimulatedInvoker } from './invoker.ts';
import { type Random, seededRandom } from './random.ts';
import type { SimulatedAction } from './workload.ts';

export interface Call {
  readonly action: SimulatedAction;
  readonly executionMs: number;
  ended(isCold: boolean): void;
  /** An invoker refused it, and another one may be tried. */
  refused(): void;
  /** No invoker takes it: its caller is told to come back later. */
  shed(): void;
}

export interface Router {
  route(call: Call): void;
  /** All invokers have lost what they had, and the router has lost what it knew. */
  restarted(): void;
}

interface RoutingTraits {
  readonly apiNodes: number;
  readonly heartbeatMs: number;
  /** From one node to another. */
  readonly hopMs: number;
}

type Choose = (directory: InvokerDirectory, action: SimulatedAction, random: Random) => readonly string[];

/** The placement of `src/dispatch/placement/`. */
export const wardChoice: Choose = (directory, { target }) => directory.choose(target);

/** Three invokers by chance, as a load balancer without knowledge would choose. */
export const chanceChoice: Choose = (directory, _, random) => {
  const views = directory.views();
  return [1, 2, 3].map(() => views[Math.floor(random() * views.length)]?.node ?? '');
};

/** API nodes that get calls by chance, each with a directory that hears the heartbeats of all invokers. */
export function createRouting(
  clock: Clock,
  invokers: readonly SimulatedInvoker[],
  { apiNodes, heartbeatMs, hopMs }: RoutingTraits,
  choose: Choose,
): Router {
  const byNode = new Map(invokers.map((invoker) => [invoker.node, invoker]));
  const random = seededRandom(7);
  const newDirectories = () =>
    Array.from({ length: apiNodes }, (_, seed) => createInvokerDirectory({ now: () => clock.now, seed }));
  let directories = newDirectories();
  for (const [at, invoker] of invokers.entries()) {
    const beat = () => {
      const report = invoker.report();
      for (const directory of directories) directory.hear(invoker.node, report);
      clock.after(heartbeatMs, beat);
    };
    clock.after((at / invokers.length) * heartbeatMs, beat);
  }
  return {
    route(call) {
      const directory = directories[Math.floor(random() * apiNodes)];
      if (directory === undefined) return;
      const tries = choose(directory, call.action, random)[Symbol.iterator]();
      const goOn = () => {
        const { value: node } = tries.next();
        const invoker = node === undefined ? undefined : byNode.get(node);
        if (node === undefined || invoker === undefined) return call.shed();
        const sent = directory.send(node, call.action.target);
        clock.after(hopMs, () => deliver(invoker, sent));
      };
      const deliver = (invoker: SimulatedInvoker, sent: SentJob) => {
        const isTaken = invoker.submit({
          ...call,
          done: (isCold) => {
            const load = invoker.load();
            clock.after(hopMs, () => {
              sent.settled('ended', load);
              call.ended(isCold);
            });
          },
        });
        const load = invoker.load();
        clock.after(hopMs, () => {
          if (isTaken) return sent.accepted(load);
          sent.settled('refused');
          call.refused();
          goOn();
        });
      };
      goOn();
    },
    restarted() {
      directories = newDirectories();
    },
  };
}
