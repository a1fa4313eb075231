/** One thing at a time for each trigger: what changes its feed waits for its firing, and the other way round. */
import type { PlainRef } from '../entities/entity-row.ts';

export interface TriggerLock {
  run<T>(trigger: PlainRef, work: () => Promise<T>): Promise<T>;
}

export function createTriggerLock(): TriggerLock {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run({ namespace, name }, work) {
      const key = `${namespace}/${name}`;
      const run = (tails.get(key) ?? Promise.resolve()).then(work);
      const tail = run
        .catch(() => {})
        .finally(() => {
          if (tails.get(key) === tail) tails.delete(key);
        });
      tails.set(key, tail);
      return run;
    },
  };
}
