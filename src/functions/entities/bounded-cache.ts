/**
 * A bounded map of values read from the store. It never keeps a value that was read before the last invalidation: the
 * reader takes a ticket first and hands it in with the value.
 */
import { BoundedMap } from '../../lib/index.ts';

interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  /** Returns the kept value, or reads it. Absent values are not kept. */
  load(key: string, read: () => Promise<Value | undefined>): Promise<Value | undefined>;
  /** Forgets everything, including values that are being read now. */
  clear(): void;
  /** Forgets one value, including one that is being read now. */
  drop(key: string): void;
  /** Forgets these values, and all that are being read now. */
  dropWhere(isOld: (value: Value, key: string) => boolean): void;
}

/** @param capacity maximum of values; the oldest is dropped first */
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
    dropWhere(isOld) {
      generation++;
      for (const [key, value] of values) if (isOld(value, key)) values.delete(key);
    },
  };
}
