/**
 * Runs work that may be synchronous or not. It avoids a promise for synchronous work, since each costs a turn of the event
 * loop.
 */

/** Passes the result of `work` to `done`, or its error to `failed`. */
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

/** Runs `work` for one item after the other, and synchronously while no item needs a promise. */
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
