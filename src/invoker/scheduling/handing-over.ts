/**
 * Asks whose job it is whether a sandbox may have it, and refuses the job when not. The answer may have to be written
 * first. So jobs whose turn comes within the time that this takes are asked about ahead: no sandbox waits for the disk
 * between two short jobs, and none of a long one's successors is taken for begun.
 */
import { jobWithdrawn } from '../../dispatch/index.ts';
import type { Group, WaitingJob } from './group.ts';

export interface Handovers {
  /** False: it has been refused. A promise only when the answer has to be waited for. Never rejects. */
  ask(pending: WaitingJob): boolean | Promise<boolean>;
  /** Asks about the first in the group's queue, as far as its slots get to them soon. */
  askAhead(group: Group): void;
}

/** How far ahead, however long an answer takes. */
const mostAheadMs = 50;
const mostAhead = 32;

export function createHandovers(isHeldBack: (namespace: string) => boolean): Handovers {
  /** What an answer has been taking. */
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
      // A slot that serves one job gets to no other.
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
