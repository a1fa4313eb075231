/** How many slots a group gets and keeps. Pure questions about groups. */
import type { WaitReason } from '../../dispatch/index.ts';
import type { Group } from './group.ts';

/** True if it has its maximum of slots, including those that are being started. */
export function isFull(group: Group): boolean {
  return group.slots.length + group.starting >= group.maxInstances;
}

/**
 * True if its queue is worth another slot: at once while it has fewer slots than can make progress side by side
 * (`parallelSlots`); beyond that, if its next job would wait longer than a start takes.
 */
export function needsAnother(group: Group, parallelSlots: number, startMs: number): boolean {
  const { length } = group.queue;
  if (isFull(group) || group.starting * group.concurrency >= length) return false;
  // Its slots never take a second job.
  if (group.isFresh) return true;
  const slots = group.slots.length + group.starting;
  if (slots < parallelSlots) return true;
  const isKnown = Number.isFinite(group.serviceMs);
  if (!isKnown && group.starting > 0) return false;
  const [oldest] = group.queue;
  const waitedMs = oldest ? performance.now() - oldest.queuedAt : 0;
  const expectedMs = isKnown ? (length / (slots * group.concurrency)) * group.serviceMs : 0;
  return Math.max(waitedMs, expectedMs) > startMs;
}

/** Why the queue of a group that needs no other slot waits all the same. */
export function whyNoOther(group: Group): WaitReason {
  if (group.starting > 0) return 'its next sandbox was being started';
  return isFull(group)
    ? 'the action had as many sandboxes as its limit of instances allows'
    : 'all its sandboxes were busy';
}

/** True if it has more slots than it must keep ready, so an idle one can be given up. */
export function hasSpare(group: Group): boolean {
  return usable(group) > (group.retired || group.permission === 'denied' ? 0 : group.minWarm);
}

/** True if slots of it are kept ready even without calls. */
export function isKept({ minWarm, isProven, retired, permission }: Group): boolean {
  return minWarm > 0 && isProven && !retired && permission !== 'denied';
}

/** True if a slot that should be kept ready is missing. Never more than its namespace can use at once. */
export function lacksWarm(group: Group): boolean {
  if (!isKept(group) || group.permission !== 'allowed' || isFull(group)) return false;
  const kept = usable(group) + group.starting;
  const { namespaceConcurrency = Number.POSITIVE_INFINITY } = group.template;
  return kept < group.minWarm && kept < namespaceConcurrency;
}

function usable({ slots, isFresh }: Group): number {
  return isFresh ? slots.filter(({ isSpent }) => !isSpent).length : slots.length;
}
