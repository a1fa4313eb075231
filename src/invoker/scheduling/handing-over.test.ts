import { describe, expect, it } from 'vitest';
import type { Handover } from '../../dispatch/index.ts';
import { fakeScheduler, fakeTarget, jobOf } from './scheduler.fixture.ts';

/** A handover that answers when the test says so. */
function asked() {
  const answer = Promise.withResolvers<boolean>();
  const handover: Handover & { times: number } = {
    times: 0,
    begin() {
      handover.times++;
      return answer.promise;
    },
  };
  return { ...answer, handover };
}

/** A scheduler with one sandbox for the target, which has answered once after `serviceMs`. */
async function served(serviceMs: number, options = {}) {
  const fake = fakeScheduler({ parallelSlots: 1, ...options });
  const target = fakeTarget({ scaling: { maxInstances: 1 } });
  await fake.call(target);
  fake.runners[0]?.answer(undefined, serviceMs);
  await fake.settle();
  return { ...fake, target };
}

const ids = (calls: readonly { readonly job: { readonly activationId: string } }[]) =>
  calls.map(({ job }) => job.activationId);

describe('a job with a handover', () => {
  it('begins in the same turn if the answer is immediate', async () => {
    const { scheduler, target, runners } = await served(1000);
    const job = jobOf(target);
    void scheduler.submit(job, { begin: () => true });
    expect(runners[0]?.open).toEqual([job.activationId]);
  });

  it('is asked about only when a sandbox is free, and begins if the answer is yes', async () => {
    const { call, target, runners, settle } = await served(1000);
    const first = await call(target);
    const { handover, resolve } = asked();
    const second = await call(target, handover);
    expect(handover.times).toBe(0);
    runners[0]?.answer();
    await settle();
    expect([first.done?.status, handover.times, runners[0]?.open]).toEqual(['success', 1, []]);
    resolve(true);
    await settle();
    expect(runners[0]?.open).toEqual(ids([second]));
    runners[0]?.answer();
    await settle();
    expect([second.done?.status, handover.times]).toEqual(['success', 1]);
  });

  it('is asked about before code is loaded for it', async () => {
    const { call, runners, settle } = fakeScheduler();
    const { handover, resolve } = asked();
    const cold = await call(fakeTarget(), handover);
    expect([handover.times, runners.length, runners[0]?.inits]).toEqual([1, 1, 0]);
    resolve(true);
    await settle();
    expect([runners[0]?.inits, runners[0]?.open]).toEqual([1, ids([cold])]);
    expect(handover.times).toBe(1);
  });

  it('keeps its sandbox from jobs of a slow action meanwhile', async () => {
    const { call, target, runners, settle } = await served(1000);
    const [first, second] = [asked(), asked()];
    await call(target, first.handover);
    await call(target, second.handover);
    expect([first.handover.times, second.handover.times]).toEqual([1, 0]);
    first.resolve(true);
    await settle();
    expect([runners[0]?.open.length, second.handover.times]).toEqual([1, 0]);
  });

  it('waits together with a bounded number of others if its action is quick', async () => {
    const { call, target, runners, settle } = await served(4);
    const questions = Array.from({ length: 9 }, asked);
    const calls = [];
    for (const { handover } of questions) calls.push(await call(target, handover));
    expect(questions.map(({ handover }) => handover.times)).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0]);
    for (const { resolve } of questions) resolve(true);
    await settle();
    expect(runners[0]?.open).toEqual(ids(calls.slice(0, 5)));
  });

  it('is asked about in advance if a slot will be free before the answer', async () => {
    const { call, target, runners, settle } = await served(3);
    await call(target);
    const questions = Array.from({ length: 3 }, asked);
    const calls = [];
    for (const { handover } of questions) calls.push(await call(target, handover));
    expect(questions.map(({ handover }) => handover.times)).toEqual([1, 0, 0]);
    questions[0]?.resolve(true);
    await settle();
    expect(runners[0]?.open).toHaveLength(1);
    runners[0]?.answer(undefined, 3);
    await settle();
    expect(runners[0]?.open).toEqual(ids(calls.slice(0, 1)));
    expect(questions.map(({ handover }) => handover.times)).toEqual([1, 1, 0]);
  });

  it('is not asked about in advance if each job gets its own sandbox', async () => {
    const { call, runners, settle } = fakeScheduler({ memoryMiB: 512 });
    const target = fakeTarget({ scaling: { fresh: true } });
    await call(target);
    await call(target);
    runners[0]?.answer(undefined, 0.1);
    await settle();
    await call(target);
    const { handover } = asked();
    await call(target, handover);
    expect(handover.times).toBe(0);
    runners[1]?.answer();
    await settle();
    expect(handover.times).toBe(1);
  });

  it('may be withdrawn in advance, and is then skipped', async () => {
    const { call, target, runners, settle } = await served(3);
    await call(target);
    const gone = await call(target, { begin: async () => false });
    const next = await call(target);
    expect(gone.fault).toMatchObject({ code: 'JOB_WITHDRAWN' });
    runners[0]?.answer(undefined, 3);
    await settle();
    expect(runners[0]?.open).toEqual(ids([next]));
  });

  it('does not block a call of a quick action that needs no answer', async () => {
    const { call, target, runners, settle } = await served(1);
    const { handover, resolve } = asked();
    const durable = await call(target, handover);
    const other = await call(target);
    expect(runners[0]?.open).toEqual(ids([other]));
    resolve(true);
    await settle();
    expect(runners[0]?.open).toEqual(ids([other, durable]));
  });
});

describe('a withdrawn job', () => {
  it.each([
    ['at once', () => false],
    ['later', async () => false],
  ])('is refused, and the next one runs (%s)', async (_, begin) => {
    const { call, target, runners, settle } = await served(1000);
    await call(target);
    const gone = await call(target, { begin });
    const next = await call(target);
    runners[0]?.answer();
    await settle();
    expect(gone.fault).toMatchObject({ code: 'JOB_WITHDRAWN' });
    expect(runners[0]?.open).toEqual(ids([next]));
  });

  it('is skipped by a sandbox that was started for it', async () => {
    const { call, runners, settle } = fakeScheduler({ parallelSlots: 1, maxStarting: 1 });
    const target = fakeTarget();
    const { handover, resolve } = asked();
    const gone = await call(target, handover);
    const next = await call(target);
    resolve(false);
    await settle();
    expect(gone.fault).toMatchObject({ code: 'JOB_WITHDRAWN' });
    expect(runners.map(({ open, inits }) => [open, inits])).toEqual([[ids([next]), 1]]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no disk');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no disk'))],
  ])('is refused with the fault when asking about it %s', async (_, begin) => {
    const { call, target, runners, settle } = await served(1000);
    const failed = await call(target, { begin });
    const next = await call(target);
    await settle();
    expect(failed.fault).toMatchObject({ message: 'no disk' });
    expect(runners[0]?.open).toEqual(ids([next]));
  });

  it('costs no stack, however many there are', async () => {
    const { call, target, runners, settle, scheduler } = await served(1000, { maxQueued: 10_000 });
    await call(target);
    for (let n = 0; n < 10_000; n++) scheduler.submit(jobOf(target), { begin: () => false }).catch(() => {});
    runners[0]?.answer();
    await settle();
    expect(scheduler.status()).toMatchObject({ queued: 0, sandboxes: { busy: 0, idle: 1 } });
  });
});

describe('while a job is asked about', () => {
  it('its sandbox may end; then another one runs it without asking again', async () => {
    const { call, target, runners, settle, alive } = await served(1000);
    const { handover, resolve } = asked();
    const job = await call(target, handover);
    runners[0]?.crash();
    await settle();
    expect(runners).toHaveLength(1);
    resolve(true);
    await settle();
    expect([alive(), runners[1]?.open, handover.times]).toEqual([[2], ids([job]), 1]);
    runners[1]?.answer();
    await settle();
    expect(job.done?.status).toBe('success');
  });

  it('its sandbox may end before code is loaded', async () => {
    const { call, runners, settle } = fakeScheduler({ parallelSlots: 1 });
    const { handover, resolve } = asked();
    const job = await call(fakeTarget(), handover);
    runners[0]?.crash();
    resolve(true);
    await settle();
    expect(runners.map(({ open }) => open)).toEqual([[], ids([job])]);
    expect(handover.times).toBe(1);
  });

  it('its namespace may be deleted', async () => {
    const { call, target, runners, settle, scheduler, alive } = await served(1000);
    const { handover, resolve } = asked();
    const job = await call(target, handover);
    scheduler.expel('guest');
    resolve(true);
    await settle();
    expect(job.done?.json).toContain('The namespace was deleted.');
    expect([runners[0]?.open, alive()]).toEqual([[], []]);
  });

  it('the platform may close; then it does not begin, and jobs behind it are refused unasked', async () => {
    const { call, target, runners, settle, scheduler } = await served(1000);
    const [first, second] = [asked(), asked()];
    const claimed = await call(target, first.handover);
    const waiting = await call(target, second.handover);
    await scheduler.close();
    first.resolve(true);
    await settle();
    expect(claimed.done?.json).toContain('The platform is shutting down.');
    expect(waiting).toMatchObject({ fault: { code: 'INVOKER_CLOSED' } });
    expect([second.handover.times, runners[0]?.open]).toEqual([0, []]);
  });

  it('its sandbox is not given up for others, unless the job is withdrawn', async () => {
    const { call, target, settle, alive } = await served(1000, { memoryMiB: 256 });
    const { handover, resolve } = asked();
    await call(target, handover);
    await call(fakeTarget());
    expect(alive()).toEqual([1]);
    resolve(false);
    await settle();
    expect(alive()).toEqual([2]);
  });
});
