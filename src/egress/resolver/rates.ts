/**
 * Limits the questions a second of each namespace: the resolver is one process, and the questions of one namespace must
 * not delay those of another.
 */

interface Rates {
  /** Counts a question; false when the namespace has exceeded its rate. */
  take(tenant: string): boolean;
}

export const questionsPerSecond = 1000;
const burst = 2 * questionsPerSecond;
/** A namespace whose allowance is full again needs no entry. */
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
