/**
 * Limits of each namespace: invocations per minute, concurrent invocations, and trigger firings per minute. The
 * counts start again when the minute of the clock changes, as in OpenWhisk.
 *
 * In a cluster each API node counts its own calls and allows its part of each limit. A node that gets most of the calls of
 * a namespace borrows nothing from the others.
 */
import { dispatchFault } from './faults.ts';
import type { LimitShare } from './limit-share.ts';

export interface NamespaceLimits {
  readonly invocationsPerMinute: number;
  readonly concurrentInvocations: number;
  readonly firesPerMinute: number;
}

/** Held from acceptance to completion; counts against the namespace's concurrency. */
export interface Admission {
  release(): void;
}

/** What a namespace has left of one of its rates. */
export interface RateUsage {
  readonly limit: number;
  readonly remaining: number;
  /** Time until the count starts again. */
  readonly resetMs: number;
}

/**
 * Decides whether a namespace may begin another call. Counted where calls come in: an invoker runs everything it
 * gets.
 */
export interface AdmissionControl {
  /**
   * Counts one more invocation of the namespace, or refuses it.
   * @throws Fault TOO_MANY_PER_MINUTE, TOO_MANY_CONCURRENT (kind `throttled`, with `retryAfterMs`)
   */
  admit(namespace: string, limits: NamespaceLimits): Admission;
  /** Counts an invocation that was admitted before, by a server that is gone. It is never refused. */
  resume(namespace: string): Admission;
  /** Counts one more firing of a trigger of the namespace. @throws Fault TOO_MANY_PER_MINUTE */
  admitFire(namespace: string, limits: NamespaceLimits): void;
  /** The namespace's invocations in this minute. Must be cheap, because every call asks for it. */
  usage(namespace: string, limits: NamespaceLimits): RateUsage;
  /** What this process allows of the limits. */
  allowed(limits: NamespaceLimits): NamespaceLimits;
}

interface Usage {
  minute: number;
  invocations: number;
  fires: number;
  inFlight: number;
}

const minuteMs = 60_000;
/** An estimate: no one knows when a call will end, but most end soon. */
const concurrencyRetryMs = 1000;

export interface AdmissionOptions {
  /** Epoch milliseconds. */
  readonly now?: () => number;
  /** The part of a limit that this process may use. Asked for each call. Absent: everything. */
  readonly share?: LimitShare;
}

export function createAdmissionControl(options: AdmissionOptions = {}): AdmissionControl {
  const { now = Date.now, share: ownPart = (limit) => limit } = options;
  const usages = new Map<string, Usage>();
  const leftOfMinute = () => minuteMs - (now() % minuteMs);
  const current = (namespace: string) => usageOf(usages, namespace, Math.floor(now() / minuteMs));
  const checkRate = (count: number, allowed: number) => {
    if (count < allowed) return;
    const text = `Too many requests in the last minute (count: ${count}, allowed: ${allowed}).`;
    throw dispatchFault('TOO_MANY_PER_MINUTE', text, { retryAfterMs: leftOfMinute() });
  };
  return {
    admit(namespace, limits) {
      const usage = current(namespace);
      checkRate(usage.invocations, ownPart(limits.invocationsPerMinute));
      const concurrent = ownPart(limits.concurrentInvocations);
      if (usage.inFlight >= concurrent) {
        const counts = `(count: ${usage.inFlight}, allowed: ${concurrent})`;
        const text = `Too many concurrent requests in flight ${counts}.`;
        throw dispatchFault('TOO_MANY_CONCURRENT', text, { retryAfterMs: concurrencyRetryMs });
      }
      usage.invocations++;
      return hold(usage);
    },
    resume: (namespace) => hold(current(namespace)),
    admitFire(namespace, limits) {
      const usage = current(namespace);
      checkRate(usage.fires, ownPart(limits.firesPerMinute));
      usage.fires++;
    },
    usage(namespace, { invocationsPerMinute }) {
      const { invocations } = current(namespace);
      const limit = ownPart(invocationsPerMinute);
      return { limit, remaining: Math.max(0, limit - invocations), resetMs: leftOfMinute() };
    },
    allowed: ({ invocationsPerMinute, concurrentInvocations, firesPerMinute }) => ({
      invocationsPerMinute: ownPart(invocationsPerMinute),
      concurrentInvocations: ownPart(concurrentInvocations),
      firesPerMinute: ownPart(firesPerMinute),
    }),
  };
}

function hold(usage: Usage): Admission {
  let isHeld = true;
  usage.inFlight++;
  return {
    release() {
      if (isHeld) usage.inFlight--;
      isHeld = false;
    },
  };
}

function usageOf(usages: Map<string, Usage>, namespace: string, minute: number): Usage {
  let usage = usages.get(namespace);
  if (!usage) {
    usage = { minute, invocations: 0, fires: 0, inFlight: 0 };
    usages.set(namespace, usage);
  }
  if (usage.minute !== minute) {
    usage.minute = minute;
    usage.invocations = 0;
    usage.fires = 0;
  }
  return usage;
}
