/** How many slots a group gets and keeps. */
import type { LoadGrant } from '../../dispatch/index.ts';
import type { Group } from './group.ts';

/** It has as many slots as it may, those on their way included. */
export function isFull(group: Group): boolean {
  return group.slots.length + group.starting >= group.maxInstances;
}

/**
 * Its queue is worth a further slot: at once while it has fewer than can make progress side by side (`parallelSlots`),
 * past that when its next job waits for longer than a start takes.
 */
export function needsAnother(group: Group, parallelSlots: number, startMs: number): boolean {
  const { length } = group.queue;
  if (isFull(group) || group.starting * group.concurrency >= length) return false;
  // None of those that it has will ever take a second job.
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

/** It has more slots than it is to keep ready, so that one that idles can be given up. */
export function hasSpare(group: Group): boolean {
  return usable(group) > (group.retired || group.permission === 'denied' ? 0 : group.minWarm);
}

/** Groups of one action at one revision, in one namespace, share what is granted to them. */
export function grantKey({ namespace, action, revision }: Omit<LoadGrant, 'permission'>): string {
  return `${namespace}\n${action}\n${revision}`;
}

export function grant(group: Group, permission: LoadGrant['permission'], forMs: number): void {
  group.permission = permission;
  group.permissionEnds = performance.now() + forMs;
}

/** An allowance that was not given again in time counts no longer. */
export function endGrant(group: Group): void {
  if (group.permission === 'allowed' && performance.now() >= group.permissionEnds)
    group.permission = 'unknown';
}

/** Slots of it are kept ready whether anybody calls or not. */
export function isKept({ minWarm, isProven, retired, permission }: Group): boolean {
  return minWarm > 0 && isProven && !retired && permission !== 'denied';
}

/** A slot is missing of those that it is to keep ready; never more than its namespace can use at once. */
export function lacksWarm(group: Group): boolean {
  if (!isKept(group) || group.permission !== 'allowed' || isFull(group)) return false;
  const kept = usable(group) + group.starting;
  const { namespaceConcurrency = Number.POSITIVE_INFINITY } = group.template;
  return kept < group.minWarm && kept < namespaceConcurrency;
}

function usable({ slots, isFresh }: Group): number {
  return isFresh ? slots.filter(({ isSpent }) => !isSpent).length : slots.length;
}
