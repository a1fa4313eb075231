/** Decides who gives up memory when it is short. Pure functions of groups. */

import type { Slot } from '../slots/slot.ts';
import { type Group, memoryOf } from './group.ts';

/** A slot that was unused for this long may lose its memory to any group. */
const unusedMs = 10_000;

/**
 * Says whose idle slots may end to make room for a new slot of this group: those of its own namespace, those that
 * were unused for a while, and those of a namespace that would still have at least as much memory as this one. So a
 * flood does not take the only slot of a quiet neighbour between two calls.
 */
export function whoseMemory(
  taker: Group,
  groups: Iterable<Group>,
  now: number,
): (owner: Group, slot: Slot) => boolean {
  const all = [...groups];
  const wanted = memoryIn(taker.namespace, all) + taker.plan.memoryMiB;
  return (owner, slot) =>
    owner.namespace === taker.namespace ||
    slot.idleSince <= now - unusedMs ||
    memoryIn(owner.namespace, all) >= wanted;
}

function memoryIn(namespace: string, groups: readonly Group[]): number {
  return groups.reduce((sum, group) => (group.namespace === namespace ? sum + memoryOf(group) : sum), 0);
}

/** Returns the slot that was idle longest, among those for which `isAsked` is true. */
export function longestIdle(
  groups: Iterable<Group>,
  isAsked: (group: Group, slot: Slot) => boolean,
): { readonly group: Group; readonly slot: Slot } | undefined {
  let found: { group: Group; slot: Slot } | undefined;
  for (const group of groups) {
    for (const slot of group.slots) {
      const isLonger = slot.inFlight === 0 && (!found || slot.idleSince < found.slot.idleSince);
      if (isLonger && isAsked(group, slot)) found = { group, slot };
    }
  }
  return found;
}

/**
 * True if the group has more memory than one of the groups that are starved for it. Compares by namespace, and within
 * a namespace by action.
 */
export function hasMoreThanOneOf(group: Group, starved: Iterable<Group>, groups: Iterable<Group>): boolean {
  const all = [...groups];
  for (const other of starved) {
    if (other === group) continue;
    const [mine, theirs] =
      other.namespace === group.namespace
        ? [memoryOf(group), memoryOf(other)]
        : [memoryIn(group.namespace, all), memoryIn(other.namespace, all)];
    if (theirs < mine) return true;
  }
  return false;
}
