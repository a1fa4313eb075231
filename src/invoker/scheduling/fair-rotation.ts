/**
 * Turn-taking between namespaces, and between the actions of one namespace. The next turn goes to the namespace that
 * has used least (start-time fair queueing: Goyal, Vin and Cheng, 1996). If several have used the same, it goes to
 * the one that has waited longest for a turn. Within the namespace, it goes to the action that has waited longest. So
 * a flood of long or large calls lengthens only its own queue, and costs its namespace as many turns as it takes from
 * others. A namespace that returns after a pause starts level with those that wait: pauses earn no credit.
 */

export interface Rotation<Item extends { readonly namespace: string }> {
  add(item: Item): void;
  remove(item: Item): void;
  /**
   * Offers each item a turn in order, until `serve` takes one. A served item goes behind those that have used the
   * same. Returns false if no item could be served.
   */
  next(serve: (item: Item) => boolean): boolean;
  /** Charges the namespace, in any consistent unit. A negative cost takes back an excess charge. */
  charge(namespace: string, cost: number): void;
}

/** Above this number, idle namespaces whose use makes no difference are forgotten. */
const mostRemembered = 1000;

export function createRotation<Item extends { readonly namespace: string }>(): Rotation<Item> {
  /** Insertion order is turn order, for namespaces and for items. */
  const waiting = new Map<string, Set<Item>>();
  const used = new Map<string, number>();
  /** Use of the item that was served last. No waiting item has used less. */
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
      // While no one waits, a namespace takes nothing from others.
      if (waiting.size > 0) used.set(namespace, Math.max(0, usedBy(namespace) + cost));
    },
  };
}

type Used = (namespace: string) => number;

/** Relies on the sort being stable. */
function inOrder<T>(waiting: ReadonlyMap<string, T>, usedBy: Used): Iterable<readonly [string, T]> {
  return waiting.size < 2 ? waiting : [...waiting].sort(([one], [other]) => usedBy(one) - usedBy(other));
}

function leastOf(waiting: ReadonlyMap<string, unknown>, usedBy: Used): number {
  let least = Number.POSITIVE_INFINITY;
  for (const namespace of waiting.keys()) least = Math.min(least, usedBy(namespace));
  return Number.isFinite(least) ? least : 0;
}
