/**
 * Counts the addresses that names have opened for one sandbox. When the account is full, it refuses before any work for
 * the packet filter begins. An address that is already open for long enough costs nothing more.
 */
import { egressFault } from './faults.ts';
import type { Opening } from './services.ts';

interface OpenAddresses {
  /** Settles when they are open for at least `seconds`. @throws Fault EGRESS_EXCEEDED when too many are open already */
  open(openings: readonly Opening[], seconds: number): Promise<void>;
}

/** Most addresses that a sandbox has open at once, counted separately for each service. */
export const mostOpen = 1024;
/** Opens an address for longer than requested, so that a repeated question finds it open for long enough. */
const spareSeconds = 2;

/**
 * @param apply Opens the addresses in the packet filter.
 * @param now In milliseconds; never goes back.
 */
export function createOpenAddresses(
  apply: (openings: readonly Opening[], seconds: number) => Promise<void>,
  now: () => number = () => performance.now(),
): OpenAddresses {
  const closesAt = new Map<string, number>();
  let opening = 0;
  const forgetClosed = () => {
    for (const [key, at] of closesAt) if (at <= now()) closesAt.delete(key);
  };
  return {
    async open(openings, seconds) {
      const until = now() + seconds * 1000;
      const missing = openings.filter((one) => (closesAt.get(keyOf(one)) ?? 0) < until);
      if (missing.length === 0) return;
      const isFull = () => closesAt.size + opening + missing.length > mostOpen;
      if (isFull()) forgetClosed();
      if (isFull()) throw egressFault('EGRESS_EXCEEDED', `${mostOpen} addresses are open already`);
      opening += missing.length;
      try {
        await apply(missing, seconds + spareSeconds);
      } finally {
        opening -= missing.length;
      }
      for (const one of missing) closesAt.set(keyOf(one), until + spareSeconds * 1000);
    },
  };
}

function keyOf({ address, service }: Opening): string {
  return `${address.text} ${service}`;
}
