import { describe, expect, it } from 'vitest';
import { createAdmissionControl } from './admission-control.ts';

const limits = { invocationsPerMinute: 3, concurrentInvocations: 2, firesPerMinute: 1 };

describe('admission control', () => {
  it('refuses calls over the concurrency limit until one is released', () => {
    const control = createAdmissionControl({ now: () => 0 });
    const first = control.admit('a', limits);
    control.admit('a', limits);
    expect(() => control.admit('a', limits)).toThrow(
      'Too many concurrent requests in flight (count: 2, allowed: 2).',
    );
    first.release();
    expect(() => control.admit('a', limits)).not.toThrow();
  });

  it('counts a release once', () => {
    const control = createAdmissionControl({ now: () => 0 });
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
    const control = createAdmissionControl({ now: () => now });
    for (let i = 0; i < 3; i++) control.admit('a', limits).release();
    expect(() => control.admit('a', limits)).toThrow(
      'Too many requests in the last minute (count: 3, allowed: 3).',
    );
    now = 60_000;
    expect(() => control.admit('a', limits)).not.toThrow();
  });

  it('keeps namespaces apart', () => {
    const control = createAdmissionControl({ now: () => 0 });
    for (let i = 0; i < 2; i++) control.admit('a', limits);
    expect(() => control.admit('b', limits)).not.toThrow();
  });

  it('says when to retry after either limit', () => {
    const control = createAdmissionControl({ now: () => 125_000 });
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
    const control = createAdmissionControl({ now: () => now });
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
    const control = createAdmissionControl({ now: () => now });
    expect(control.usage('a', limits)).toEqual({ limit: 3, remaining: 3, resetMs: 10_000 });
    control.admit('a', limits).release();
    control.admit('a', limits).release();
    expect(control.usage('a', limits).remaining).toBe(1);
    expect(control.usage('a', { ...limits, invocationsPerMinute: 1 }).remaining).toBe(0);
    now = 60_000;
    expect(control.usage('a', limits)).toEqual({ limit: 3, remaining: 3, resetMs: 60_000 });
  });
});

describe('admission control of one node among several', () => {
  const wide = { invocationsPerMinute: 100, concurrentInvocations: 10, firesPerMinute: 7 };
  /** Admits until a refusal. */
  const admitted = (admit: () => unknown): number => {
    let count = 0;
    while (count < 1000 && refusal(admit) === undefined) count++;
    return count;
  };

  const partOver = (nodes: number) => (limit: number) => Math.ceil(limit / nodes);

  it.each([1, 2, 3, 7, 49, 1000])('keeps each of %i nodes within its part of every limit', (nodes) => {
    const [part, now] = [partOver(nodes), () => 0];
    const control = createAdmissionControl({ now, share: part });
    expect(control.usage('a', wide).limit).toBe(part(100));
    expect(control.allowed(wide)).toEqual({
      ...{ invocationsPerMinute: part(100), concurrentInvocations: part(10), firesPerMinute: part(7) },
    });
    expect(admitted(() => control.admit('a', wide))).toBe(part(10));
    expect(admitted(() => control.admitFire('a', wide))).toBe(part(7));
    expect(admitted(() => control.admit('b', wide).release())).toBe(part(100));
  });

  it('admits nothing of a limit of zero', () => {
    const control = createAdmissionControl({ share: partOver(2) });
    expect(admitted(() => control.admitFire('a', { ...wide, firesPerMinute: 0 }))).toBe(0);
  });

  it('counts what it resumes as concurrent, and never refuses it', () => {
    const control = createAdmissionControl({ now: () => 0 });
    const resumed = Array.from({ length: 11 }, () => control.resume('a'));
    expect(refusal(() => control.admit('a', wide))).toMatchObject({ code: 'TOO_MANY_CONCURRENT' });
    expect(control.usage('a', wide).remaining).toBe(100);
    for (const each of resumed.slice(1)) each.release();
    expect(admitted(() => control.admit('a', wide))).toBe(9);
  });

  it('lets calls end that were admitted before another node came', () => {
    let nodes = 1;
    const control = createAdmissionControl({ now: () => 0, share: (limit) => Math.ceil(limit / nodes) });
    const held = Array.from({ length: 10 }, () => control.admit('a', wide));
    nodes = 2;
    for (const each of held.splice(0, 5)) each.release();
    expect(refusal(() => control.admit('a', wide))).toMatchObject({ code: 'TOO_MANY_CONCURRENT' });
    held.pop()?.release();
    expect(() => control.admit('a', wide)).not.toThrow();
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
