/**
 * Per-namespace limits: invocations a minute and at once, firings of triggers a minute. The minute is a fixed one, as
 * in OpenWhisk: the counts start again when the clock's minute changes.
 */
import { invokerFault } from './faults.ts';
import type { Admission, NamespaceLimits, RateUsage } from './types.ts';

interface Usage {
  minute: number;
  invocations: number;
  fires: number;
  inFlight: number;
  /** The latest word on how many there may be in flight. */
  concurrency: number;
}

export interface Throttle {
  /** @throws Fault TOO_MANY_PER_MINUTE, TOO_MANY_CONCURRENT */
  admit(namespace: string, limits: NamespaceLimits): Admission;
  /** @throws Fault TOO_MANY_PER_MINUTE */
  admitFire(namespace: string, limits: NamespaceLimits): void;
  /** Of invocations. */
  usage(namespace: string, limits: NamespaceLimits): RateUsage;
  /** Invocations that the namespace may have at once, as it was last told; none for an unknown one. */
  concurrencyOf(namespace: string): number;
}

const minuteMs = 60_000;
/** Nobody knows when a call ends; most do soon. */
const concurrencyRetryMs = 1000;

export function createThrottle(now: () => number = Date.now): Throttle {
  const usages = new Map<string, Usage>();
  const leftOfMinute = () => minuteMs - (now() % minuteMs);
  const current = (namespace: string) => usageOf(usages, namespace, Math.floor(now() / minuteMs));
  const checkRate = (count: number, allowed: number) => {
    if (count < allowed) return;
    const text = `Too many requests in the last minute (count: ${count}, allowed: ${allowed}).`;
    throw invokerFault('TOO_MANY_PER_MINUTE', text, { retryAfterMs: leftOfMinute() });
  };
  return {
    admit(namespace, limits) {
      const usage = current(namespace);
      usage.concurrency = limits.concurrentInvocations;
      checkRate(usage.invocations, limits.invocationsPerMinute);
      if (usage.inFlight >= usage.concurrency) {
        const counts = `(count: ${usage.inFlight}, allowed: ${usage.concurrency})`;
        const text = `Too many concurrent requests in flight ${counts}.`;
        throw invokerFault('TOO_MANY_CONCURRENT', text, { retryAfterMs: concurrencyRetryMs });
      }
      usage.invocations++;
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
    admitFire(namespace, limits) {
      const usage = current(namespace);
      checkRate(usage.fires, limits.firesPerMinute);
      usage.fires++;
    },
    usage(namespace, { invocationsPerMinute: limit }) {
      const { invocations } = current(namespace);
      return { limit, remaining: Math.max(0, limit - invocations), resetMs: leftOfMinute() };
    },
    concurrencyOf: (namespace) => usages.get(namespace)?.concurrency ?? 0,
  };
}

function usageOf(usages: Map<string, Usage>, namespace: string, minute: number): Usage {
  let usage = usages.get(namespace);
  if (!usage) {
    usage = { minute, invocations: 0, fires: 0, inFlight: 0, concurrency: 0 };
    usages.set(namespace, usage);
  }
  if (usage.minute !== minute) {
    usage.minute = minute;
    usage.invocations = 0;
    usage.fires = 0;
  }
  return usage;
}
