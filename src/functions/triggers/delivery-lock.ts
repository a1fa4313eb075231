/** One at a time for each delivery: its activation's end, the clock and its owner may all come at once. */
export interface DeliveryLock {
  run<T>(id: string, work: () => Promise<T>): Promise<T>;
  /** Settles when nothing is under way. */
  idle(): Promise<void>;
}

export function createDeliveryLock(): DeliveryLock {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(id, work) {
      const run = (tails.get(id) ?? Promise.resolve()).then(work);
      const tail = run
        .catch(() => {})
        .then(() => {
          if (tails.get(id) === tail) tails.delete(id);
        });
      tails.set(id, tail);
      return run;
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
