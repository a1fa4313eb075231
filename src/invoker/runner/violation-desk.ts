/** Finds the activations that a violation belongs to, by the id of its sandbox. */
import type { ViolationReport } from '../../dispatch/index.ts';
import type { Violation, ViolationSink } from '../../sandbox/index.ts';
import type { Runner } from './runner.ts';

export interface ViolationDesk {
  /** Attributes violations of that sandbox to the runner until it has ended. */
  watch(sandboxId: string, runner: Pick<Runner, 'note' | 'ended'>): void;
  readonly take: ViolationSink;
}

/** @param onReport receives each violation and who caused it */
export function createViolationDesk(onReport: (report: ViolationReport) => void): ViolationDesk {
  const runners = new Map<string, Pick<Runner, 'note'>>();
  return {
    watch(sandboxId, runner) {
      runners.set(sandboxId, runner);
      void runner.ended.then(() => runners.delete(sandboxId));
    },
    take(sandboxId, violation: Violation) {
      const culprit = runners.get(sandboxId)?.note(violation);
      onReport({ ...nobody, ...culprit, ...violation });
    },
  };
}

const nobody = { namespace: undefined, action: undefined, activationIds: [] };
