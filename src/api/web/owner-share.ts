/**
 * Limits what the web may use of a namespace's limits. All calls of a web action are charged to its owner, and a flood
 * must leave the owner room for its own calls. So the web gets a share of both limits, and a whole limit only if the
 * share would be zero.
 */
import type { NamespaceLimits } from '../../dispatch/index.ts';
import type { Identity } from '../../functions/index.ts';
import { apiFault } from '../faults.ts';

/** Share of the limits on invocations per minute and at the same time. */
const webShare = 0.8;

export interface Held {
  release(): void;
}

export interface OwnerShare {
  /** Counts one more web call of the owner's actions. @throws Fault WEB_SHARE_EXCEEDED with `retryAfterMs` */
  hold(owner: Identity): Held;
}

interface Usage {
  minute: number;
  inMinute: number;
  inFlight: number;
}

const minuteMs = 60_000;

/** @param allowed what this server allows of the owner's limits */
export function createOwnerShare(
  allowed: (owner: Identity) => Omit<NamespaceLimits, 'firesPerMinute'>,
  now: () => number = Date.now,
): OwnerShare {
  const usages = new Map<string, Usage>();
  return {
    hold(owner) {
      const at = now();
      const usage = usageOf(usages, owner.namespace, Math.floor(at / minuteMs));
      const limits = allowed(owner);
      const perMinute = shareOf(limits.invocationsPerMinute);
      if (usage.inMinute >= perMinute) {
        const counts = `(count: ${usage.inMinute}, allowed: ${perMinute})`;
        throw exceeded(`Too many requests in the last minute ${counts}.`, minuteMs - (at % minuteMs));
      }
      const atOnce = shareOf(limits.concurrentInvocations);
      if (usage.inFlight >= atOnce) {
        const counts = `(count: ${usage.inFlight}, allowed: ${atOnce})`;
        throw exceeded(`Too many concurrent requests in flight ${counts}.`, 1000);
      }
      usage.inMinute++;
      usage.inFlight++;
      return releaseOnce(usage);
    },
  };
}

/** Keeps a limit of 0 at 0. */
export function shareOf(limit: number): number {
  return Math.max(Math.min(limit, 1), Math.floor(limit * webShare));
}

function releaseOnce(usage: Usage): Held {
  let isHeld = true;
  return {
    release() {
      if (isHeld) usage.inFlight--;
      isHeld = false;
    },
  };
}

function usageOf(usages: Map<string, Usage>, namespace: string, minute: number): Usage {
  const usage = usages.get(namespace) ?? { minute, inMinute: 0, inFlight: 0 };
  usages.set(namespace, usage);
  if (usage.minute !== minute) {
    usage.minute = minute;
    usage.inMinute = 0;
  }
  return usage;
}

function exceeded(text: string, retryAfterMs: number) {
  return apiFault('WEB_SHARE_EXCEEDED', text, { retryAfterMs });
}
