/** Processes many rows with bounded concurrency, in an order in which namespaces take turns. */

/** Orders the first of each namespace, then the second of each, and so on. Within a namespace the order stays. */
export function inTurns<Item extends { readonly namespace: string }>(
  items: readonly Item[],
): readonly Item[] {
  const queues = [...Map.groupBy(items, ({ namespace }) => namespace).values()];
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  return Array.from({ length: longest }, (_, turn) =>
    queues.flatMap((queue) => queue.slice(turn, turn + 1)),
  ).flat();
}

/** Resolves when all work is done. `work` must not reject. */
export async function runBounded<Item>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
