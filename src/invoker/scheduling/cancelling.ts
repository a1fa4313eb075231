/**
 * Ends a job in any state. A waiting job is answered. A job that has a slot to itself loses the slot. A job that shares
 * its slot is answered at once: the slot takes no more jobs and ends with the others.
 */
import type { Slot } from '../slots/slot.ts';
import type { WaitingJob } from './group.ts';
import type { Groups } from './groups.ts';
import { rejection } from './job-exchange.ts';
import type { WaitingLine } from './waiting-line.ts';

export interface Cancelling {
  /** Notes that the slot has got the job. */
  serve(pending: WaitingJob, slot: Slot): void;
  /** Notes that no slot has the job any more. */
  leave(activationId: string): void;
  /** Returns whether the job is cancelled, and answers it if so. */
  hasAnswered(pending: WaitingJob): boolean;
  cancel(activationId: string): void;
}

export function createCancelling(groups: Groups, line: WaitingLine): Cancelling {
  /** Jobs that a slot has, by activation. */
  const serving = new Map<string, { readonly pending: WaitingJob; readonly slot: Slot }>();
  const answer = (pending: WaitingJob) => pending.settle(rejection(pending, 'The activation was cancelled.'));
  const cancelWaiting = (activationId: string) => {
    for (const group of groups.all()) {
      const waiting = line.remove(group, activationId);
      if (waiting === undefined) continue;
      // A job that is being claimed counts as begun once that is written, so it is answered then.
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
      // Its slot calls `hasAnswered` once its beginning is written.
      if (pending.asked !== undefined) return;
      if (slot.inFlight <= 1) void slot.runner.end('cancelled');
      else {
        slot.isSpent = true;
        answer(pending);
      }
    },
  };
}
