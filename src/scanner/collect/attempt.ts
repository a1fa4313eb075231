/** Work that may take time or not: without a promise where it does not, for each costs a turn of the event loop. */

/** What `work` returns goes to `done`, what it throws to `failed`. */
export function attempt<T>(
  work: () => T | Promise<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
): Promise<void> | undefined {
  try {
    const value = work();
    if (value instanceof Promise) return value.then(done, failed);
    done(value);
  } catch (error) {
    failed(error);
  }
  return undefined;
}

/** One after the other; at once as long as none takes time. */
export function oneByOne<T>(
  items: readonly T[],
  work: (item: T) => Promise<void> | undefined,
): Promise<void> | undefined {
  for (const [at, item] of items.entries()) {
    const waiting = work(item);
    if (waiting !== undefined) return waiting.then(() => oneByOne(items.slice(at + 1), work));
  }
  return undefined;
}
