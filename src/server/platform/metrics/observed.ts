/** The invoker and the gate with somebody who counts what they say. What they do stays the same. */
import type { CodeGate, GateVerdict } from '../../../functions/index.ts';
import type { Invoker } from '../../../invoker/index.ts';
import { isFault } from '../../../lib/index.ts';
import type { Figures, Throttle } from './figures.ts';

export function observedInvoker(invoker: Invoker, figures: Figures): Invoker {
  const counting = <Answer>(perMinute: Throttle, ask: () => Answer): Answer => {
    try {
      return ask();
    } catch (error) {
      const limit = throttleOf(error, perMinute);
      if (limit !== undefined) figures.throttled(limit);
      throw error;
    }
  };
  figures.watchInvoker(invoker.status);
  return {
    ...invoker,
    admit: (...args) => counting('invocations per minute', () => invoker.admit(...args)),
    admitFire: (...args) => counting('firings per minute', () => invoker.admitFire(...args)),
    run: (...args) =>
      counting('queue full', () => invoker.run(...args)).then((completion) => {
        figures.completed(completion);
        return completion;
      }),
  };
}

export function observedGate(gate: CodeGate, figures: Figures): CodeGate {
  const deployment = (verdict: GateVerdict): GateVerdict => {
    figures.judged('deploy', verdict.outcome === 'absent' ? 'warn' : verdict.outcome);
    return verdict;
  };
  const run = (verdict: GateVerdict): GateVerdict => {
    if (verdict.outcome === 'deny') figures.judged('run', 'deny');
    return verdict;
  };
  return {
    ...gate,
    admitCode: async (code) => deployment(await gate.admitCode(code)),
    admitImage: async (image) => deployment(await gate.admitImage(image)),
    mayRun(runnable, namespace) {
      const verdict = gate.mayRun(runnable, namespace);
      return verdict instanceof Promise ? verdict.then(run) : run(verdict);
    },
  };
}

function throttleOf(error: unknown, perMinute: Throttle): Throttle | undefined {
  if (isFault(error, 'TOO_MANY_PER_MINUTE')) return perMinute;
  if (isFault(error, 'TOO_MANY_CONCURRENT')) return 'concurrent invocations';
  return isFault(error, 'INVOKER_BUSY') ? 'queue full' : undefined;
}
