/**
 * Per-namespace limits on invocations: so many a minute, so many at once. The minute is a fixed one, as in
 * OpenWhisk: the count starts again when the clock's minute changes.
 */
import { invokerFault } from './faults.ts';
import type { Admission, NamespaceLimits } from './types.ts';

interface Usage {
  minute: number;
  inMinute: number;
  inFlight: number;
}

export interface Throttle {
  /** @throws Fault TOO_MANY_PER_MINUTE, TOO_MANY_CONCURRENT */
  admit(namespace: string, limits: NamespaceLimits): Admission;
}

export function createThrottle(now: () => number = Date.now): Throttle {
  const usages = new Map<string, Usage>();
  return {
    admit(namespace, limits) {
      const usage = usageOf(usages, namespace, Math.floor(now() / 60_000));
      if (usage.inMinute >= limits.invocationsPerMinute) {
        const counts = `(count: ${usage.inMinute}, allowed: ${limits.invocationsPerMinute})`;
        throw invokerFault('TOO_MANY_PER_MINUTE', `Too many requests in the last minute ${counts}.`);
      }
      if (usage.inFlight >= limits.concurrentInvocations) {
        const counts = `(count: ${usage.inFlight}, allowed: ${limits.concurrentInvocations})`;
        throw invokerFault('TOO_MANY_CONCURRENT', `Too many concurrent requests in flight ${counts}.`);
      }
      usage.inMinute++;
      usage.inFlight++;
      let released = false;
      return {
        release() {
          if (released) return;
          released = true;
          usage.inFlight--;
        },
      };
    },
  };
}

function usageOf(usages: Map<string, Usage>, namespace: string, minute: number): Usage {
  let usage = usages.get(namespace);
  if (!usage) {
    usage = { minute, inMinute: 0, inFlight: 0 };
    usages.set(namespace, usage);
  }
  if (usage.minute !== minute) {
    usage.minute = minute;
    usage.inMinute = 0;
  }
  return usage;
}
