/**
 * A bounded map of what was read from the store. A value that was read before the last invalidation is
 * never kept: the reader takes a ticket first and hands it in with the value.
 */
import { BoundedMap } from '../../lib/index.ts';

interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  /** The value, kept or read. Absent ones are not kept. */
  load(key: string, read: () => Promise<Value | undefined>): Promise<Value | undefined>;
  /** Forgets everything, and what is being read now. */
  clear(): void;
  /** Forgets one value, and what is being read now. */
  drop(key: string): void;
}

/** @param capacity values at most; the oldest goes first */
export function createBoundedCache<Value>(capacity: number): BoundedCache<Value> {
  const values = new BoundedMap<string, Value>(capacity);
  let generation = 0;
  return {
    get: (key) => values.get(key),
    async load(key, read) {
      const kept = values.get(key);
      if (kept !== undefined) return kept;
      const ticket = generation;
      const value = await read();
      if (value !== undefined && ticket === generation) values.set(key, value);
      return value;
    },
    clear() {
      generation++;
      values.clear();
    },
    drop(key) {
      generation++;
      values.delete(key);
    },
  };
}
