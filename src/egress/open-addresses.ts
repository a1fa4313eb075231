/**
 * Counts the addresses that names have opened for one sandbox. When it is full, it refuses here, before anything is built
 * for the packet filter. An address that is already open for long enough costs nothing more.
 */
import { egressFault } from './faults.ts';
import type { Opening } from './services.ts';

interface OpenAddresses {
  /** Settles when they are open for `seconds` at least. @throws Fault EGRESS_EXCEEDED when too many are open already */
  open(openings: readonly Opening[], seconds: number): Promise<void>;
}

/** Addresses open at once of one sandbox, counted for each service. */
export const mostOpen = 1024;
/** Longer than it was asked for, so that the same question within that time finds it open for long enough. */
const spareSeconds = 2;

/**
 * @param apply Opens them in the packet filter.
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
