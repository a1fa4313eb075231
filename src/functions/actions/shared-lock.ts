/** A lock within one process: any number of sharers, or one excluder. Served in order, so neither side starves. */

interface SharedLock {
  shared<T>(work: () => Promise<T>): Promise<T>;
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

export function createSharedLock(): SharedLock {
  let lastExclusive: Promise<unknown> = Promise.resolve();
  let sharers = new Set<Promise<unknown>>();

  return {
    shared(work) {
      const run = lastExclusive.then(work);
      const settled = run.catch(() => {});
      const group = sharers;
      group.add(settled);
      return run.finally(() => group.delete(settled));
    },
    exclusive(work) {
      const before = [lastExclusive, ...sharers];
      sharers = new Set();
      const run = Promise.all(before).then(work);
      lastExclusive = run.catch(() => {});
      return run;
    },
  };
}
