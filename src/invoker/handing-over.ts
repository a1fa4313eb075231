/** Asks whose job it is whether a sandbox may have it, and refuses the job when not. */
import { jobWithdrawn } from './faults.ts';
import type { Pending } from './group.ts';

/** False: it has been refused. A promise only when the answer has to be waited for. Never rejects. */
export function askToBegin(pending: Pending): boolean | Promise<boolean> {
  const { handover } = pending;
  if (handover === undefined) return true;
  try {
    const begun = handover.begin();
    return begun instanceof Promise ? answered(pending, begun) : settled(pending, begun);
  } catch (error) {
    return refused(pending, error);
  }
}

async function answered(pending: Pending, asked: Promise<boolean>): Promise<boolean> {
  try {
    return settled(pending, await asked);
  } catch (error) {
    return refused(pending, error);
  }
}

function settled(pending: Pending, mayBegin: boolean): boolean {
  if (!mayBegin) return refused(pending, jobWithdrawn());
  pending.handover = undefined;
  return true;
}

function refused(pending: Pending, error: unknown): false {
  pending.refuse(error);
  return false;
}
