/**
 * Counts the addresses that names have opened for one sandbox. When the account is full, it refuses further ones before
 * any work for the packet filter begins, and still keeps open what is open. An address that is already open for long
 * enough costs nothing more.
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
  /** Those that are being opened, or kept open, and when that is done. */
  const underWay = new Map<string, Promise<void>>();
  const forgetClosed = () => {
    for (const [key, at] of closesAt) if (at <= now()) closesAt.delete(key);
  };
  const isFullWith = (more: readonly Opening[]) => {
    const added = [...underWay.keys(), ...more.map(keyOf)].filter((key) => !closesAt.has(key));
    return closesAt.size + new Set(added).size > mostOpen;
  };
  const applyAll = async (openings: readonly Opening[], seconds: number, until: number) => {
    const done = Promise.withResolvers<void>();
    for (const one of openings) underWay.set(keyOf(one), done.promise);
    try {
      await apply(openings, seconds);
      for (const one of openings) closesAt.set(keyOf(one), until);
    } finally {
      for (const one of openings) underWay.delete(keyOf(one));
      done.resolve();
    }
  };
  return {
    async open(openings, seconds) {
      // Of two at once, the later one would set the time of an address that both open, even if its time is the shorter one.
      for (;;) {
        const others = openings.flatMap((one) => underWay.get(keyOf(one)) ?? []);
        if (others.length === 0) break;
        await Promise.all(others);
      }
      const until = now() + seconds * 1000;
      const missing = openings.filter((one) => (closesAt.get(keyOf(one)) ?? 0) < until);
      if (isFullWith(missing)) forgetClosed();
      const isFull = isFullWith(missing);
      const granted = isFull ? missing.filter((one) => closesAt.has(keyOf(one))) : missing;
      if (granted.length > 0) await applyAll(granted, seconds + spareSeconds, until + spareSeconds * 1000);
      if (isFull) throw egressFault('EGRESS_EXCEEDED', `${mostOpen} addresses are open already`);
    },
  };
}

function keyOf({ address, service }: Opening): string {
  return `${address.text} ${service}`;
}
