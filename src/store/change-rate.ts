/**
 * Bounds how fast the keys of a namespace fill the audit log: every change has an entry there, and entries of others
 * must not be pushed out by a flood. It counts in this process alone.
 */
import { BoundedMap } from '../lib/index.ts';
import { storeFault } from './faults.ts';

export interface ChangeRate {
  /** @throws Fault CHANGES_EXCEEDED with `retryAfterMs` */
  take(namespace: string): void;
}

interface Bucket {
  left: number;
  filledAt: number;
}

/** A deployment of ten thousand functions passes at once; afterwards, each namespace can fill 3 KiB a second. */
const usual = { burst: 20_000, perSecond: 5 };
const mostNamespaces = 10_000;

export function createChangeRate({ burst, perSecond } = usual, now = Date.now): ChangeRate {
  const buckets = new BoundedMap<string, Bucket>(mostNamespaces);
  return {
    take(namespace) {
      const at = now();
      const { left, filledAt } = buckets.get(namespace) ?? { left: burst, filledAt: at };
      const earned = (Math.max(0, at - filledAt) / 1000) * perSecond;
      const has = Math.min(burst, left + earned);
      const retryAfterMs = Math.ceil(((1 - has) / perSecond) * 1000);
      if (has < 1)
        throw storeFault('CHANGES_EXCEEDED', `the namespace '${namespace}' changes too much, too fast`, {
          ...{ retryAfterMs, hint: 'try again later: its changes are limited to 5 a second' },
        });
      buckets.set(namespace, { left: has - 1, filledAt: at });
    },
  };
}
