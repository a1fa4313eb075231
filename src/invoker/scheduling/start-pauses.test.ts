import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { imageUnknown } from '../../dispatch/index.ts';
import { fakeScheduler, fakeTarget } from './scheduler.fixture.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sweepMs = 50;

/** An action whose first call could not start a sandbox. */
async function failing() {
  const fake = fakeScheduler();
  const target = fakeTarget();
  fake.world.startFault = new Error('no');
  const first = await fake.call(target);
  expect(first.done?.status).toBe('whisk internal error');
  expect(fake.world.starts).toBe(1);
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += sweepMs) {
      vi.advanceTimersByTime(sweepMs);
      await fake.sweep();
    }
  };
  return { ...fake, pass, callIt: () => fake.call(target) };
}

describe('an action whose sandbox did not start', () => {
  it('tries again after a pause, for all calls that wait', async () => {
    const { world, callIt, pass } = await failing();
    const calls = await Promise.all([callIt(), callIt(), callIt()]);
    await pass(50);
    expect([world.starts, calls.map(({ done }) => done)]).toEqual([1, [undefined, undefined, undefined]]);
    await pass(50);
    expect(world.starts).toBe(2);
    expect(calls.map(({ done }) => done?.status)).toEqual(Array(3).fill('whisk internal error'));
  });

  it('waits longer after each failure, up to two seconds', async () => {
    const { world, callIt, pass } = await failing();
    const waits: number[] = [];
    for (let n = 0; n < 7; n++) {
      const before = world.starts;
      const begunAt = performance.now();
      await callIt();
      while (world.starts === before) await pass(sweepMs);
      waits.push(performance.now() - begunAt);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
  });

  it('runs its calls as before once a sandbox has started', async () => {
    const { world, callIt, pass, runners, settle } = await failing();
    world.startFault = undefined;
    const [second, third] = await Promise.all([callIt(), callIt()]);
    await pass(100);
    expect(world.starts).toBe(3);
    for (const runner of runners) runner.answer();
    await settle();
    expect([second?.done?.status, third?.done?.status]).toEqual(['success', 'success']);
  });

  it('does not delay other actions, nor warm and prewarmed sandboxes', async () => {
    const prewarmed = [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }];
    const { world, call, runners, prewarm, scheduler, settle } = fakeScheduler({ prewarmed });
    await prewarm.replenish();
    const warm = fakeTarget();
    await call(warm);
    runners[0]?.answer();
    await settle();
    world.startFault = new Error('no');
    const target = fakeTarget();
    await call(target);
    world.startFault = undefined;
    const waiting = await call(target);
    await call(warm);
    await call(fakeTarget());
    expect(runners.map(({ open }) => open.length)).toEqual([1, 1]);
    await prewarm.replenish();
    await call(target);
    expect(runners[2]?.open).toEqual([waiting.job.activationId]);
    await scheduler.close();
  });

  it('refuses calls for a missing image without a pause', async () => {
    const { world, call, settle } = fakeScheduler();
    world.startFault = imageUnknown('no image');
    const target = fakeTarget();
    for (let n = 1; n <= 3; n++) {
      const { fault } = await call(target);
      await settle();
      expect([world.starts, fault]).toMatchObject([n, { code: 'IMAGE_UNKNOWN' }]);
    }
  });
});
