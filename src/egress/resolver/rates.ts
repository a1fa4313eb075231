/**
 * Questions a second of each namespace: the resolver is one process, and questions of one namespace must not hold up those
 * of another.
 */

interface Rates {
  /** Counts one; false when the namespace has asked for more than its rate. */
  take(tenant: string): boolean;
}

export const questionsPerSecond = 1000;
const burst = 2 * questionsPerSecond;
/** A namespace that has rested until its allowance is full again needs no entry. */
const mostTenants = 10_000;

/** @param now In milliseconds; never goes back. */
export function createRates(now: () => number = () => performance.now()): Rates {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>();
  const leftOf = (tenant: string) => {
    const { left, at } = buckets.get(tenant) ?? { left: burst, at: now() };
    return Math.min(burst, left + ((now() - at) / 1000) * questionsPerSecond);
  };
  return {
    take(tenant) {
      const left = leftOf(tenant);
      if (left < 1) return false;
      if (buckets.size >= mostTenants) {
        for (const name of buckets.keys()) if (leftOf(name) >= burst) buckets.delete(name);
      }
      buckets.set(tenant, { left: left - 1, at: now() });
      return true;
    },
  };
}
