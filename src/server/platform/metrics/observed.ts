/** Wrappers of admission, dispatcher and gate that count the answers and change nothing. */
import type { AdmissionControl, Dispatcher } from '../../../dispatch/index.ts';
import type { CodeGate, GateVerdict, RunVerdict } from '../../../functions/index.ts';
import { isFault } from '../../../lib/index.ts';
import type { CalledAction } from './action-figures.ts';
import type { Figures, Throttle } from './figures.ts';

export function observedAdmission(admission: AdmissionControl, figures: Figures): AdmissionControl {
  return {
    ...admission,
    admit: (...args) => counting(figures, 'invocations per minute', () => admission.admit(...args)),
    admitFire: (...args) => counting(figures, 'firings per minute', () => admission.admitFire(...args)),
  };
}

export function observedDispatcher(dispatcher: Dispatcher, figures: Figures): Dispatcher {
  figures.watchInvoker(dispatcher.status);
  const running = new Set<CalledAction>();
  return {
    ...dispatcher,
    run(job, ...more) {
      // Nothing else of the job, so that its parameters can be freed.
      const { namespace, action, traceparent } = job;
      const called = { namespace, action, traceparent };
      const run = dispatcher.run(job, ...more);
      running.add(called);
      return run.then(
        (end) => {
          running.delete(called);
          figures.completed(end.completion, called);
          return end;
        },
        (error) => {
          running.delete(called);
          throw error;
        },
      );
    },
    namespaces() {
      const called = Array.from(running, ({ namespace }) => namespace);
      return new Set([...dispatcher.namespaces(), ...called, ...figures.namespaces()]);
    },
    expel(namespace) {
      // Those that run end later, and would begin its series anew.
      for (const called of running) if (called.namespace === namespace) called.isGone = true;
      figures.forget(namespace);
      dispatcher.expel(namespace);
    },
  };
}

export function observedGate(gate: CodeGate, figures: Figures): CodeGate {
  const deployment = (verdict: GateVerdict): GateVerdict => {
    figures.judged('deploy', verdict.outcome === 'absent' ? 'warn' : verdict.outcome);
    return verdict;
  };
  const run = (verdict: RunVerdict): RunVerdict => {
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

function counting<Answer>(figures: Figures, perMinute: Throttle, ask: () => Answer): Answer {
  try {
    return ask();
  } catch (error) {
    const limit = throttleOf(error, perMinute);
    if (limit !== undefined) figures.throttled(limit);
    throw error;
  }
}

function throttleOf(error: unknown, perMinute: Throttle): Throttle | undefined {
  if (isFault(error, 'TOO_MANY_PER_MINUTE')) return perMinute;
  return isFault(error, 'TOO_MANY_CONCURRENT') ? 'concurrent invocations' : undefined;
}
