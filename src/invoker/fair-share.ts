/** Who gives memory up when it is short. Pure questions about groups. */
import { type Group, memoryOf } from './group.ts';
import type { Slot } from './slot.ts';

/** The slot that nobody has used for the longest time, of the groups that `isAsked` is true of. */
export function longestIdle(
  groups: Iterable<Group>,
  isAsked: (group: Group) => boolean,
): { readonly group: Group; readonly slot: Slot } | undefined {
  let found: { group: Group; slot: Slot } | undefined;
  for (const group of groups) {
    if (!isAsked(group)) continue;
    for (const slot of group.slots) {
      if (slot.inFlight === 0 && (!found || slot.idleSince < found.slot.idleSince)) found = { group, slot };
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
  const ofNamespace = (namespace: string) =>
    all.reduce((sum, each) => (each.namespace === namespace ? sum + memoryOf(each) : sum), 0);
  for (const other of starved) {
    if (other === group) continue;
    const [mine, theirs] =
      other.namespace === group.namespace
        ? [memoryOf(group), memoryOf(other)]
        : [ofNamespace(group.namespace), ofNamespace(other.namespace)];
    if (theirs < mine) return true;
  }
  return false;
}
