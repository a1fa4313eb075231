/**
 * An invoker knows jobs by their activation alone. On a node with an API of its own, an attempt of that API can meet an
 * earlier attempt of another node, whose end would then cancel it.
 */
import { earlierAttemptRuns } from '../faults.ts';
import type { LocalInvoker } from './types.ts';

/** The invoker, without a second attempt at an activation that it still has: another node may take that one. */
export function oneAttemptEach(invoker: LocalInvoker): LocalInvoker {
  const here = new Set<string>();
  return {
    ...invoker,
    async run(job, handover) {
      const { activationId } = job;
      if (here.has(activationId)) throw earlierAttemptRuns();
      here.add(activationId);
      try {
        return await invoker.run(job, handover);
      } finally {
        here.delete(activationId);
      }
    },
  };
}
