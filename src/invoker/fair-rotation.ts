/**
 * Turn-taking between namespaces, and between the actions of one: the next turn goes to the namespace that
 * has waited longest for one, and within it to the action that has. A flood in one namespace lengthens only
 * its own queue.
 */

export interface Rotation<Item extends { readonly namespace: string }> {
  add(item: Item): void;
  remove(item: Item): void;
  /**
   * Offers each item a turn in order, until `serve` takes one; whoever was served goes to the back. Returns
   * false when nobody could be served.
   */
  next(serve: (item: Item) => boolean): boolean;
}

export function createRotation<Item extends { readonly namespace: string }>(): Rotation<Item> {
  /** Insertion order is turn order, outside and inside. */
  const namespaces = new Map<string, Set<Item>>();
  const toBack = (namespace: string, items: Set<Item>, item: Item): void => {
    if (items.delete(item)) items.add(item);
    if (namespaces.delete(namespace)) namespaces.set(namespace, items);
  };
  return {
    add(item) {
      const items = namespaces.get(item.namespace) ?? new Set<Item>();
      items.add(item);
      namespaces.set(item.namespace, items);
    },
    remove(item) {
      const items = namespaces.get(item.namespace);
      if (items?.delete(item) && items.size === 0) namespaces.delete(item.namespace);
    },
    next(serve) {
      for (const [namespace, items] of namespaces) {
        for (const item of items) {
          if (!serve(item)) continue;
          toBack(namespace, items, item);
          return true;
        }
      }
      return false;
    },
  };
}
