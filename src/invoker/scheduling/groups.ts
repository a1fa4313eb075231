/**
 * The groups that have a waiting job, or a slot that runs or is being started. Of other groups only the end is kept.
 */
import type { JobTarget } from '../../dispatch/index.ts';
import { BoundedMap } from '../../lib/index.ts';
import { invokerFault } from '../faults.ts';
import type { MemoryLedger } from '../slots/memory-ledger.ts';
import type { SlotFactory } from '../slots/slots.ts';
import { createGroup, type Group, groupKey, type LastEnd } from './group.ts';
import { isKept } from './growth.ts';

export interface Groups {
  /**
   * Returns the target's group, and creates it if needed. @throws Fault ACTION_TOO_LARGE and those of
   * `SlotFactory.plan`
   */
  of(target: JobTarget): Group;
  all(): Iterable<Group>;
  /** Returns the known group with the same key; if there is none, keeps this one. */
  current(group: Group): Group;
  /** Forgets the group if it has nothing. */
  forget(group: Group): void;
}

/** Limit of forgotten groups whose end is remembered. */
const mostPasts = 10_000;

export function createGroups(factory: Pick<SlotFactory, 'plan'>, ledger: MemoryLedger): Groups {
  const groups = new Map<string, Group>();
  const pasts = new BoundedMap<string, LastEnd>(mostPasts);
  return {
    of(target) {
      const key = groupKey(target);
      const known = groups.get(key);
      if (known) return known;
      refuseTooLarge(target.limits.memoryMiB, ledger.limitMiB);
      const group = createGroup(target, factory.plan(target), pasts.get(key));
      groups.set(key, group);
      return group;
    },
    all: () => groups.values(),
    current(group) {
      const known = groups.get(group.key);
      if (!known) groups.set(group.key, group);
      return known ?? group;
    },
    forget(group) {
      if (group.queue.length > 0 || group.slots.length > 0 || group.starting > 0 || isKept(group)) return;
      if (group.past) pasts.set(group.key, group.past);
      if (groups.get(group.key) === group) groups.delete(group.key);
    },
  };
}

function refuseTooLarge(memoryMiB: number, limitMiB: number): void {
  if (memoryMiB <= limitMiB) return;
  const text = `the action asks for ${memoryMiB} MiB, and all sandboxes together have ${limitMiB} MiB`;
  throw invokerFault('ACTION_TOO_LARGE', text, { hint: 'lower the memory limit of the action' });
}
