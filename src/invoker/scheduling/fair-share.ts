/** Who gives memory up when it is short. Pure questions about groups. */

import type { Slot } from '../slots/slot.ts';
import { type Group, memoryOf } from './group.ts';

/** A slot that was unused for this long gives its memory to anyone who needs it. */
const unusedMs = 10_000;

/**
 * Whose idle slots may end for a further one of this group: its own namespace's; those that nobody has used for a while;
 * and those of who would still have no less than it. So a flood does not take the one slot of a quiet neighbour between
 * two calls.
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

/** The slot that nobody has used for the longest time, of those that `isAsked` is true of. */
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
 * True when the group has more memory than one of those that are starved for it: compared namespace by namespace,
 * and within a namespace action by action.
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
