/**
 * Turn-taking between namespaces, and between the actions of one. The next turn goes to the namespace that has used least
 * (start-time fair queueing: Goyal, Vin and Cheng, 1996); of those that have used the same, to the one that has waited
 * longest for a turn; and within it to the action that has. So a flood of long or large calls lengthens only its own
 * queue, and costs its namespace as many turns as it takes from others. Who comes after a rest begins level with those
 * who are waiting: rest saves nothing up.
 */

export interface Rotation<Item extends { readonly namespace: string }> {
  add(item: Item): void;
  remove(item: Item): void;
  /**
   * Offers each item a turn in order, until `serve` takes one; the one that was served goes to the back of those that have
   * used the same. Returns false when nobody could be served.
   */
  next(serve: (item: Item) => boolean): boolean;
  /** The namespace has used so much; less than 0 takes back what was too much. Any unit, as long as it is one. */
  charge(namespace: string, cost: number): void;
}

/** Namespaces that are remembered while they rest, before those are forgotten of whom it makes no difference. */
const mostRemembered = 1000;

export function createRotation<Item extends { readonly namespace: string }>(): Rotation<Item> {
  /** Insertion order is turn order, outside and inside. */
  const waiting = new Map<string, Set<Item>>();
  const used = new Map<string, number>();
  /** Use of the item that was served last. No waiting item has less. */
  let level = 0;

  const usedBy = (namespace: string) => used.get(namespace) ?? level;
  const toBack = (namespace: string, items: Set<Item>, item: Item): void => {
    if (items.delete(item)) items.add(item);
    if (waiting.delete(namespace)) waiting.set(namespace, items);
  };
  const forgetRested = () => {
    if (used.size <= mostRemembered) return;
    for (const [namespace, cost] of used) {
      if (cost <= level && !waiting.has(namespace)) used.delete(namespace);
    }
  };
  return {
    add(item) {
      const { namespace } = item;
      const items = waiting.get(namespace);
      if (items) {
        items.add(item);
        return;
      }
      used.set(namespace, Math.max(level, usedBy(namespace)));
      waiting.set(namespace, new Set([item]));
      forgetRested();
    },
    remove(item) {
      const items = waiting.get(item.namespace);
      if (items?.delete(item) && items.size === 0) waiting.delete(item.namespace);
    },
    next(serve) {
      for (const [namespace, items] of inOrder(waiting, usedBy)) {
        for (const item of items) {
          if (!serve(item)) continue;
          level = Math.max(level, leastOf(waiting, usedBy));
          toBack(namespace, items, item);
          return true;
        }
      }
      return false;
    },
    charge(namespace, cost) {
      // While nobody waits, nothing is taken from anybody.
      if (waiting.size > 0) used.set(namespace, Math.max(0, usedBy(namespace) + cost));
    },
  };
}

type Used = (namespace: string) => number;

/** The sort is a stable one. */
function inOrder<T>(waiting: ReadonlyMap<string, T>, usedBy: Used): Iterable<readonly [string, T]> {
  return waiting.size < 2 ? waiting : [...waiting].sort(([one], [other]) => usedBy(one) - usedBy(other));
}

function leastOf(waiting: ReadonlyMap<string, unknown>, usedBy: Used): number {
  let least = Number.POSITIVE_INFINITY;
  for (const namespace of waiting.keys()) least = Math.min(least, usedBy(namespace));
  return Number.isFinite(least) ? least : 0;
}
