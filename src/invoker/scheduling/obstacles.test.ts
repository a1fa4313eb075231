/** What a call that waited says about why. */
import { describe, expect, it } from 'vitest';
import { fakeScheduler, fakeTarget } from './scheduler.fixture.ts';

describe('the reason of a wait', () => {
  const reasonOf = ({ done }: { readonly done?: { readonly waitReason?: string | undefined } }) => {
    expect(done).toBeDefined();
    return done?.waitReason;
  };

  it('is absent for a warm call, and for a first call, whose sandbox was started at once', async () => {
    const { call, runners, settle } = fakeScheduler();
    const target = fakeTarget();
    const calls = [];
    for (let n = 0; n < 2; n++) {
      calls.push(await call(target));
      runners[0]?.answer();
      await settle();
    }
    expect(calls.map(({ done }) => done?.start)).toEqual(['cold', 'warm']);
    expect(calls.map(reasonOf)).toEqual([undefined, undefined]);
  });

  it('is absent again after others have waited', async () => {
    const { call, runners, settle } = fakeScheduler({ memoryMiB: 256 });
    const target = fakeTarget();
    const calls = [await call(target), await call(target)];
    for (let n = 0; n < 3; n++) {
      if (n === 2) calls.push(await call(target));
      runners[0]?.answer();
      await settle();
    }
    expect(calls.map(reasonOf)).toEqual([undefined, 'no memory was free for another sandbox', undefined]);
  });

  it('is memory that another action had', async () => {
    const { call, runners, settle } = fakeScheduler({ memoryMiB: 256 });
    await call(fakeTarget());
    const waiting = await call(fakeTarget());
    runners[0]?.answer();
    await settle();
    runners[1]?.answer();
    await settle();
    expect(waiting.done?.start).toBe('cold');
    expect(reasonOf(waiting)).toBe('no memory was free for another sandbox');
  });

  it('is the limit of instances', async () => {
    const { call, runners, settle } = fakeScheduler();
    const target = fakeTarget({ scaling: { maxInstances: 1 } });
    const calls = [await call(target), await call(target)];
    for (let n = 0; n < 2; n++) {
      runners[0]?.answer();
      await settle();
    }
    expect(calls.map(reasonOf)).toEqual([
      undefined,
      'the action had as many sandboxes as its limit of instances allows',
    ]);
  });

  it('is that all sandboxes were busy, when a start would have taken longer', async () => {
    const { call, runners, settle } = fakeScheduler({ parallelSlots: 1 });
    const target = fakeTarget();
    await call(target);
    runners[0]?.answer(undefined, 10);
    await settle();
    const calls = [await call(target), await call(target)];
    for (let n = 0; n < 2; n++) {
      runners[0]?.answer(undefined, 10);
      await settle();
    }
    expect(runners).toHaveLength(1);
    expect(calls.map(reasonOf)).toEqual([undefined, 'all its sandboxes were busy']);
  });

  it('is the sandbox that was being started, if another call got that', async () => {
    const { call, runners, settle, world } = fakeScheduler({ parallelSlots: 1 });
    const inits = Promise.withResolvers<void>();
    world.initGate = inits.promise;
    const target = fakeTarget();
    const calls = [await call(target), await call(target)];
    inits.resolve();
    await settle();
    for (let n = 0; n < 2; n++) {
      runners[0]?.answer(undefined, 10);
      await settle();
    }
    expect(calls.map(({ done }) => done?.start)).toEqual(['cold', 'warm']);
    expect(calls.map(reasonOf)).toEqual([undefined, 'its next sandbox was being started']);
  });

  it.each([
    [4, 2, 'its namespace was starting as many sandboxes as it may at once'],
    [1, 1, 'as many sandboxes were being started as may be at once'],
  ])('is the number of starts at once: %i, of which %i are taken', async (maxStarting, taken, reason) => {
    const { call, runners, settle, world } = fakeScheduler({ maxStarting });
    const inits = Promise.withResolvers<void>();
    world.initGate = inits.promise;
    for (let n = 0; n < taken; n++) await call(fakeTarget());
    const waiting = await call(fakeTarget());
    inits.resolve();
    await settle();
    for (const runner of runners) runner.answer();
    await settle();
    expect(reasonOf(waiting)).toBe(reason);
  });

  it('is the output of its namespace', async () => {
    let isHeldBack = true;
    const { call, runners, scheduler, settle } = fakeScheduler({ isHeldBack: () => isHeldBack });
    const waiting = await call(fakeTarget());
    isHeldBack = false;
    scheduler.resume();
    await settle();
    runners[0]?.answer();
    await settle();
    expect(reasonOf(waiting)).toBe('the output of its namespace was being processed');
  });

  it('is the pause after a start that failed', async () => {
    const { call, scheduler, settle, world } = fakeScheduler();
    const target = fakeTarget();
    world.startFault = new Error('no sandbox starts');
    await call(target);
    world.startFault = undefined;
    const waiting = await call(target);
    scheduler.cancel(waiting.job.activationId);
    await settle();
    expect(reasonOf(waiting)).toBe('sandboxes of the action had failed to start');
  });

  it('is told of a call that is cancelled while it waits', async () => {
    const { call, scheduler, settle } = fakeScheduler({ memoryMiB: 256 });
    await call(fakeTarget());
    const waiting = await call(fakeTarget());
    scheduler.cancel(waiting.job.activationId);
    await settle();
    expect(reasonOf(waiting)).toBe('no memory was free for another sandbox');
  });
});
