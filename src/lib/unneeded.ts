/** Things that nothing needs, and since when this process has seen that: what a database forgot may come back with it. */

export interface UnneededLook<T> {
  /** The item is not needed now. Whether it has not been in every look for the whole period of grace. */
  isOver(item: T): boolean;
  /** Whatever was not asked about in this look counts as needed. */
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
