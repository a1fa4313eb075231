import { describe, expect, it } from 'vitest';
import { createThrottle } from './throttle.ts';

const limits = { invocationsPerMinute: 3, concurrentInvocations: 2 };

describe('the throttle', () => {
  it('refuses what is over the concurrency, until one is released', () => {
    const throttle = createThrottle(() => 0);
    const first = throttle.admit('a', limits);
    throttle.admit('a', limits);
    expect(() => throttle.admit('a', limits)).toThrow(
      'Too many concurrent requests in flight (count: 2, allowed: 2).',
    );
    first.release();
    expect(() => throttle.admit('a', limits)).not.toThrow();
  });

  it('counts a release once', () => {
    const throttle = createThrottle(() => 0);
    const wide = { ...limits, invocationsPerMinute: 100 };
    const first = throttle.admit('a', wide);
    throttle.admit('a', wide);
    first.release();
    first.release();
    throttle.admit('a', wide);
    expect(() => throttle.admit('a', wide)).toThrow('Too many concurrent requests');
  });

  it('refuses what is over the rate, until the minute changes', () => {
    let now = 59_000;
    const throttle = createThrottle(() => now);
    for (let i = 0; i < 3; i++) throttle.admit('a', limits).release();
    expect(() => throttle.admit('a', limits)).toThrow(
      'Too many requests in the last minute (count: 3, allowed: 3).',
    );
    now = 60_000;
    expect(() => throttle.admit('a', limits)).not.toThrow();
  });

  it('keeps namespaces apart', () => {
    const throttle = createThrottle(() => 0);
    for (let i = 0; i < 2; i++) throttle.admit('a', limits);
    expect(() => throttle.admit('b', limits)).not.toThrow();
  });
});
