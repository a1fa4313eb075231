/**
 * Token buckets by key: a burst limit, and a rate per second after it. When there are too many buckets, the least
 * recently used ones are dropped, so a flood of keys cannot fill the memory. A flooder gains at most a fresh bucket.
 */
import { BoundedMap } from '../../lib/index.ts';
import { apiFault } from '../faults.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface RateLimiter {
  /** @throws Fault WEB_RATE_EXCEEDED with `retryAfterMs` */
  take(key: string): void;
  /** Number of buckets. */
  readonly size: number;
}

interface RateLimiterOptions {
  readonly rate: Rate;
  readonly capacity: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

export function createRateLimiter({ rate, capacity, now = Date.now }: RateLimiterOptions): RateLimiter {
  const buckets = new BoundedMap<string, Bucket>(capacity);
  return {
    get size() {
      return buckets.size;
    },
    take(key) {
      const at = now();
      const bucket = buckets.get(key) ?? { tokens: rate.burst, filledAt: at };
      const earned = (Math.max(0, at - bucket.filledAt) / 1000) * rate.perSecond;
      bucket.tokens = Math.min(rate.burst, bucket.tokens + earned);
      bucket.filledAt = at;
      buckets.set(key, bucket);
      if (bucket.tokens < 1) throw exceeded(((1 - bucket.tokens) / rate.perSecond) * 1000);
      bucket.tokens--;
    },
  };
}

function exceeded(retryAfterMs: number) {
  return apiFault('WEB_RATE_EXCEEDED', 'Too many requests from this address, try again later.', {
    retryAfterMs: Math.ceil(retryAfterMs),
  });
}
