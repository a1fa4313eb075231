/**
 * Ends a job wherever it is. One that waits is answered, one that has a slot to itself loses it, and one that shares its slot is
 * answered at once: the slot takes nothing more and ends with the others.
 */
import type { Slot } from '../slots/slot.ts';
import type { WaitingJob } from './group.ts';
import type { Groups } from './groups.ts';
import { rejection } from './job-exchange.ts';
import type { WaitingLine } from './waiting-line.ts';

export interface Cancelling {
  /** The slot has got the job. */
  serve(pending: WaitingJob, slot: Slot): void;
  /** No slot has it any more. */
  leave(activationId: string): void;
  /** Whether it is not to go on; then it has been answered. */
  hasAnswered(pending: WaitingJob): boolean;
  cancel(activationId: string): void;
}

export function createCancelling(groups: Groups, line: WaitingLine): Cancelling {
  /** Jobs that a slot has got, by their activations. */
  const serving = new Map<string, { readonly pending: WaitingJob; readonly slot: Slot }>();
  const answer = (pending: WaitingJob) => pending.settle(rejection(pending, 'The activation was cancelled.'));
  const cancelWaiting = (activationId: string) => {
    for (const group of groups.all()) {
      const waiting = line.remove(group, activationId);
      if (waiting === undefined) continue;
      // What is being claimed has begun when that is written.
      if (waiting.asked === undefined) answer(waiting);
      else void waiting.asked.then(() => answer(waiting));
      groups.forget(group);
      return;
    }
  };
  return {
    serve: (pending, slot) => void serving.set(pending.job.activationId, { pending, slot }),
    leave: (activationId) => void serving.delete(activationId),
    hasAnswered(pending) {
      if (pending.isCancelled) answer(pending);
      return pending.isCancelled;
    },
    cancel(activationId) {
      const served = serving.get(activationId);
      if (served === undefined) return cancelWaiting(activationId);
      const { pending, slot } = served;
      pending.isCancelled = true;
      // Its slot asks `hasAnswered` when it is written that it begins.
      if (pending.asked !== undefined) return;
      if (slot.inFlight <= 1) void slot.runner.end('cancelled');
      else {
        slot.isSpent = true;
        answer(pending);
      }
    },
  };
}
