/**
 * Asks the owner of a job whether a sandbox may have it, and refuses the job if not. The answer may have to be
 * written first. So jobs whose turn comes within that time are asked about in advance: no sandbox waits for the disk
 * between two short jobs, and the jobs that wait behind a long one are not marked as begun.
 */
import { jobWithdrawn } from '../../dispatch/index.ts';
import type { Group, WaitingJob } from './group.ts';

export interface Handovers {
  /** False: the job has been refused. Returns a promise only if the answer must be waited for. Never rejects. */
  ask(pending: WaitingJob): boolean | Promise<boolean>;
  /** Asks about the first jobs in the group's queue that its slots will reach soon. */
  askAhead(group: Group): void;
}

/** The furthest it asks in advance, however long an answer takes. */
const mostAheadMs = 50;
const mostAhead = 32;

export function createHandovers(isHeldBack: (namespace: string) => boolean): Handovers {
  /** Average time of an answer. */
  let averageMs = 5;

  const answered = async (pending: WaitingJob, asked: Promise<boolean>): Promise<boolean> => {
    const askedAt = performance.now();
    try {
      const hasBegun = settled(pending, await asked);
      if (hasBegun) pending.asked = undefined;
      return hasBegun;
    } catch (error) {
      return refused(pending, error);
    } finally {
      averageMs += (performance.now() - askedAt - averageMs) / 5;
    }
  };
  const ask = (pending: WaitingJob): boolean | Promise<boolean> => {
    if (pending.asked !== undefined) return pending.asked;
    if (pending.handover === undefined) return true;
    try {
      const begun = pending.handover.begin();
      if (!(begun instanceof Promise)) return settled(pending, begun);
      pending.asked = answered(pending, begun);
      return pending.asked;
    } catch (error) {
      return refused(pending, error);
    }
  };
  return {
    ask,
    askAhead({ namespace, queue, slots, concurrency, serviceMs, isFresh }) {
      // A slot that serves one job reaches no other.
      if (queue.length === 0 || isFresh || isHeldBack(namespace)) return;
      const soon = (Math.min(averageMs, mostAheadMs) * slots.length * concurrency) / serviceMs;
      const count = Math.min(queue.length, mostAhead, Math.floor(soon));
      for (let at = 0; at < count; at++) {
        const pending = queue[at];
        if (pending !== undefined) void ask(pending);
      }
    },
  };
}

function settled(pending: WaitingJob, mayBegin: boolean): boolean {
  if (!mayBegin) return refused(pending, jobWithdrawn());
  pending.handover = undefined;
  return true;
}

function refused(pending: WaitingJob, error: unknown): false {
  pending.refuse(error);
  return false;
}
