import { describe, expect, it } from 'vitest';
import { createAdmissionControl } from './admission-control.ts';

const limits = { invocationsPerMinute: 3, concurrentInvocations: 2, firesPerMinute: 1 };

describe('admission control', () => {
  it('refuses calls over the concurrency limit until one is released', () => {
    const control = createAdmissionControl(() => 0);
    const first = control.admit('a', limits);
    control.admit('a', limits);
    expect(() => control.admit('a', limits)).toThrow(
      'Too many concurrent requests in flight (count: 2, allowed: 2).',
    );
    first.release();
    expect(() => control.admit('a', limits)).not.toThrow();
  });

  it('counts a release once', () => {
    const control = createAdmissionControl(() => 0);
    const wide = { ...limits, invocationsPerMinute: 100 };
    const first = control.admit('a', wide);
    control.admit('a', wide);
    first.release();
    first.release();
    control.admit('a', wide);
    expect(() => control.admit('a', wide)).toThrow('Too many concurrent requests');
  });

  it('refuses calls over the rate until the minute changes', () => {
    let now = 59_000;
    const control = createAdmissionControl(() => now);
    for (let i = 0; i < 3; i++) control.admit('a', limits).release();
    expect(() => control.admit('a', limits)).toThrow(
      'Too many requests in the last minute (count: 3, allowed: 3).',
    );
    now = 60_000;
    expect(() => control.admit('a', limits)).not.toThrow();
  });

  it('keeps namespaces apart', () => {
    const control = createAdmissionControl(() => 0);
    for (let i = 0; i < 2; i++) control.admit('a', limits);
    expect(() => control.admit('b', limits)).not.toThrow();
  });

  it('says when to retry after either limit', () => {
    const control = createAdmissionControl(() => 125_000);
    for (let i = 0; i < 2; i++) control.admit('a', limits);
    expect(refusal(() => control.admit('a', limits))).toMatchObject({
      code: 'TOO_MANY_CONCURRENT',
      retryAfterMs: 1000,
    });
    const narrow = { ...limits, invocationsPerMinute: 2 };
    expect(refusal(() => control.admit('a', narrow))).toMatchObject({
      code: 'TOO_MANY_PER_MINUTE',
      retryAfterMs: 55_000,
    });
  });

  it('counts firings separately', () => {
    let now = 0;
    const control = createAdmissionControl(() => now);
    control.admitFire('a', limits);
    expect(refusal(() => control.admitFire('a', limits))).toMatchObject({
      code: 'TOO_MANY_PER_MINUTE',
      message: 'Too many requests in the last minute (count: 1, allowed: 1).',
    });
    for (let i = 0; i < 3; i++) control.admit('a', limits).release();
    expect(() => control.admitFire('b', limits)).not.toThrow();
    now = 60_000;
    expect(() => control.admitFire('a', limits)).not.toThrow();
  });

  it('reports what is left of this minute', () => {
    let now = 50_000;
    const control = createAdmissionControl(() => now);
    expect(control.usage('a', limits)).toEqual({ limit: 3, remaining: 3, resetMs: 10_000 });
    control.admit('a', limits).release();
    control.admit('a', limits).release();
    expect(control.usage('a', limits).remaining).toBe(1);
    expect(control.usage('a', { ...limits, invocationsPerMinute: 1 }).remaining).toBe(0);
    now = 60_000;
    expect(control.usage('a', limits)).toEqual({ limit: 3, remaining: 3, resetMs: 60_000 });
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
