/** Tracks unneeded items, and since when: an item that a database has lost can be needed again after a restore. */

export interface UnneededLook<T> {
  /** Notes that the item is not needed now. True when it has been unneeded for the whole grace period. */
  isOver(item: T): boolean;
  /** Ends a look: items that were not noted in it count as needed. */
  end(): void;
}

/** @param now in milliseconds */
export function watchUnneeded<T>(graceMs: number, now: () => number): () => UnneededLook<T> {
  let since = new Map<T, number>();
  return () => {
    const still = new Map<T, number>();
    const at = now();
    return {
      isOver(item) {
        const first = since.get(item) ?? at;
        const isOver = at - first >= graceMs;
        if (!isOver) still.set(item, first);
        return isOver;
      },
      end() {
        since = still;
      },
    };
  };
}
