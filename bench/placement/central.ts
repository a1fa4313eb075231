/**
 * The ideal to compare with: one queue that knows the state of all invokers at every moment and takes no time. A call
 * waits until a processor is free somewhere, gets a warm sandbox if there is one on such an invoker, and otherwise
 * starts one where most processors are free.
 */
import type { SimulatedInvoker } from './invoker.ts';
import type { Call, Router } from './routers.ts';
import type { SimulatedAction } from './workload.ts';

/** How many waiting calls a free invoker looks through for one that it has a warm sandbox for. */
const lookAhead = 100;

export function createCentralQueue(invokers: readonly SimulatedInvoker[], mostWaiting: number): Router {
  /** Invokers by the number of calls that they run. */
  const byActive: Set<SimulatedInvoker>[] = [new Set(invokers)];
  const activeOf = new Map<SimulatedInvoker, number>(invokers.map((invoker) => [invoker, 0]));
  const warm = new Map<SimulatedAction, Set<SimulatedInvoker>>();
  const waiting: Call[] = [];
  const move = (invoker: SimulatedInvoker, change: 1 | -1) => {
    const active = activeOf.get(invoker) ?? 0;
    byActive[active]?.delete(invoker);
    activeOf.set(invoker, active + change);
    byActive[active + change] ??= new Set();
    byActive[active + change]?.add(invoker);
  };
  const start = (invoker: SimulatedInvoker, call: Call) => {
    move(invoker, 1);
    invoker.submit({
      ...call,
      done(isCold) {
        move(invoker, -1);
        const known = warm.get(call.action);
        if (known) known.add(invoker);
        else warm.set(call.action, new Set([invoker]));
        call.ended(isCold);
        const next = takeFor(waiting, invoker);
        if (next) start(invoker, next);
      },
    });
  };
  const warmFor = (action: SimulatedAction) => {
    for (const invoker of warm.get(action) ?? []) {
      if (!invoker.hasIdle(action)) warm.get(action)?.delete(invoker);
      else if ((activeOf.get(invoker) ?? 0) < invoker.processors.count) return invoker;
    }
    return undefined;
  };
  const emptiest = (action: SimulatedAction) => {
    for (const [active, same] of byActive.entries()) {
      for (const invoker of same) {
        if (active >= invoker.processors.count) return undefined;
        if (invoker.canStart(action)) return invoker;
      }
    }
    return undefined;
  };
  return {
    route(call) {
      const invoker = warmFor(call.action) ?? emptiest(call.action);
      if (invoker) start(invoker, call);
      else if (waiting.length < mostWaiting) waiting.push(call);
      else call.shed();
    },
    restarted() {
      warm.clear();
      waiting.length = 0;
      byActive.length = 0;
      byActive.push(new Set(invokers));
      for (const invoker of invokers) activeOf.set(invoker, 0);
    },
  };
}

function takeFor(waiting: Call[], invoker: SimulatedInvoker): Call | undefined {
  const at = waiting.slice(0, lookAhead).findIndex(({ action }) => invoker.hasIdle(action));
  return waiting.splice(Math.max(0, at), 1)[0];
}
