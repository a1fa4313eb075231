import { describe, expect, it } from 'vitest';
import { createThrottle } from './throttle.ts';

const limits = { invocationsPerMinute: 3, concurrentInvocations: 2, firesPerMinute: 1 };

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

  it('says when the rate may allow more, and when a place may be free', () => {
    const throttle = createThrottle(() => 125_000);
    for (let i = 0; i < 2; i++) throttle.admit('a', limits);
    expect(refusal(() => throttle.admit('a', limits))).toMatchObject({
      code: 'TOO_MANY_CONCURRENT',
      retryAfterMs: 1000,
    });
    const narrow = { ...limits, invocationsPerMinute: 2 };
    expect(refusal(() => throttle.admit('a', narrow))).toMatchObject({
      code: 'TOO_MANY_PER_MINUTE',
      retryAfterMs: 55_000,
    });
  });

  it('counts firings by themselves', () => {
    let now = 0;
    const throttle = createThrottle(() => now);
    throttle.admitFire('a', limits);
    expect(refusal(() => throttle.admitFire('a', limits))).toMatchObject({
      code: 'TOO_MANY_PER_MINUTE',
      message: 'Too many requests in the last minute (count: 1, allowed: 1).',
    });
    for (let i = 0; i < 3; i++) throttle.admit('a', limits).release();
    expect(() => throttle.admitFire('b', limits)).not.toThrow();
    now = 60_000;
    expect(() => throttle.admitFire('a', limits)).not.toThrow();
  });

  it('tells what is left of this minute', () => {
    let now = 50_000;
    const throttle = createThrottle(() => now);
    expect(throttle.usage('a', limits)).toEqual({ limit: 3, remaining: 3, resetMs: 10_000 });
    throttle.admit('a', limits).release();
    throttle.admit('a', limits).release();
    expect(throttle.usage('a', limits).remaining).toBe(1);
    expect(throttle.usage('a', { ...limits, invocationsPerMinute: 1 }).remaining).toBe(0);
    now = 60_000;
    expect(throttle.usage('a', limits)).toEqual({ limit: 3, remaining: 3, resetMs: 60_000 });
  });

  it('remembers how many a namespace may have at once', () => {
    const throttle = createThrottle(() => 0);
    expect(throttle.concurrencyOf('a')).toBe(0);
    throttle.admit('a', limits);
    expect(throttle.concurrencyOf('a')).toBe(2);
  });
});

function refusal(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
