import { describe, expect, it, vi } from 'vitest';
import { readLive } from '../../dispatch/dispatch.suite.ts';
import { imageUnknown, invokerCutOff, type JobTarget } from '../../dispatch/index.ts';
import { Fault } from '../../lib/index.ts';
import { fakeScheduler, fakeTarget } from './scheduler.fixture.ts';

describe('an action that asks for a fresh sandbox for each call', () => {
  const fresh = () => fakeTarget({ scaling: { fresh: true } });

  it('gets one, which serves nothing afterwards', async () => {
    const { call, runners, settle, alive } = fakeScheduler();
    const target = fresh();
    for (let n = 1; n <= 2; n++) {
      const { done, job } = await call(target);
      expect(done).toBeUndefined();
      expect(runners[n - 1]?.open).toEqual([job.activationId]);
      runners[n - 1]?.answer();
      await settle();
      expect(alive()).toEqual([]);
    }
  });

  it('names that as the reason of its start, also when it is prewarmed', async () => {
    const prewarmed = [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }];
    const { call, runners, settle, prewarm } = fakeScheduler({ prewarmed });
    await prewarm.replenish();
    const first = await call(fresh());
    runners[0]?.answer();
    await settle();
    expect(first.done).toMatchObject({
      start: 'prewarmed',
      startReason: 'a fresh sandbox is asked for',
      sandboxMs: expect.any(Number),
    });
  });

  it('gets one per call, even beyond the number of processors, and never shares one', async () => {
    const { call, runners, settle } = fakeScheduler({ parallelSlots: 1 });
    const target = fakeTarget({
      scaling: { fresh: true },
      limits: { ...fakeTarget().limits, concurrency: 5 },
    });
    const calls = [await call(target), await call(target), await call(target)];
    expect(runners.map(({ open }) => open.length)).toEqual([1, 1, 1]);
    for (const runner of runners) runner.answer();
    await settle();
    expect(calls.map(({ done }) => done?.start)).toEqual(['cold', 'cold', 'cold']);
  });

  it('can have some initialised in advance, each for one call', async () => {
    const { call, runners, settle, sweep, alive } = fakeScheduler();
    const target = fakeTarget({ scaling: { fresh: true, minWarm: 1 } });
    await call(target);
    runners[0]?.answer();
    await settle();
    await sweep();
    expect(alive()).toEqual([2]);
    const second = await call(target);
    await sweep();
    runners[1]?.answer();
    await settle();
    expect(second.done).toMatchObject({ start: 'warm' });
    expect(second.done?.startReason).toBeUndefined();
    expect(alive()).toEqual([3]);
    await sweep({ endsIdle: true });
    expect(alive()).toEqual([3]);
  });
});

describe('memory that is short', () => {
  const quiet = fakeTarget({ namespace: 'quiet' });
  const noisy = fakeTarget({ namespace: 'noisy' });
  /** A neighbour's only sandbox is idle, and more calls come in than memory has room for. */
  const flooded = async () => {
    const fake = fakeScheduler({ memoryMiB: 768, parallelSlots: 8 });
    await fake.call(quiet);
    fake.runners[0]?.answer();
    await fake.settle();
    return {
      ...fake,
      flood: async () => void (await Promise.all(Array.from({ length: 5 }, () => fake.call(noisy)))),
    };
  };

  it('is not taken between two calls from a neighbour with less', async () => {
    const { flood, alive, call, runners, settle } = await flooded();
    await flood();
    expect(alive()).toEqual([1, 2, 3]);
    const again = await call(quiet);
    runners[0]?.answer();
    await settle();
    expect(again.done).toMatchObject({ start: 'warm' });
  });

  it('is taken from a neighbour that has not used it for long', async () => {
    const { flood, alive } = await flooded();
    const later = performance.now() + 60_000;
    vi.spyOn(performance, 'now').mockReturnValue(later);
    await flood();
    vi.restoreAllMocks();
    expect(alive()).toEqual([2, 3, 4]);
  });

  it('is taken for the first sandbox of a namespace without one', async () => {
    const { flood, alive, call, runners, settle } = await flooded();
    await flood();
    for (const runner of runners.slice(1)) runner.answer();
    await settle();
    await call(fakeTarget({ namespace: 'third' }));
    for (const runner of runners.slice(1)) runner.answer();
    await settle();
    expect(alive()).toHaveLength(3);
    expect(runners.length).toBeGreaterThan(3);
  });
});

describe('an action that is kept ready', () => {
  const ready = (minWarm: number) => fakeTarget({ scaling: { minWarm } });
  const served = async (minWarm: number, options = {}, changes: Partial<JobTarget> = {}) => {
    const fake = fakeScheduler(options);
    const target = { ...ready(minWarm), ...changes };
    await fake.call(target);
    fake.runners[0]?.answer();
    await fake.settle();
    return { ...fake, target };
  };

  it('has that many sandboxes after its first call, one after the other, and keeps them', async () => {
    const { sweep, alive, runners } = await served(3);
    expect(alive()).toEqual([1]);
    await sweep();
    await sweep({ freezes: true });
    expect(alive()).toEqual([1, 2, 3]);
    for (let n = 0; n < 3; n++) await sweep({ endsIdle: true, freezes: true });
    expect(alive()).toEqual([1, 2, 3]);
    expect(runners.map(({ inits, isFrozen }) => [inits, isFrozen])).toEqual(Array(3).fill([1, true]));
  });

  it('ends surplus sandboxes like any others', async () => {
    const { sweep, alive, call, target, runners, settle } = await served(1);
    await call(target);
    await call(target);
    for (const runner of runners) runner.answer();
    await settle();
    expect(alive()).toEqual([1, 2]);
    await sweep({ endsIdle: true });
    expect(alive()).toHaveLength(1);
  });

  it('has none before its first call, and none once it is retired', async () => {
    const fake = fakeScheduler();
    const target = ready(2);
    fake.scheduler.retire(target.action);
    await fake.sweep();
    expect(fake.alive()).toEqual([]);
    const { scheduler, sweep, alive, target: other } = await served(2);
    await sweep();
    scheduler.retire(other.action);
    await sweep();
    expect(alive()).toEqual([]);
  });

  it('gives them up when memory is short, after prewarmed ones, and gets them back later', async () => {
    const prewarmed = [{ kind: 'python:3.13', memoryMiB: 256, count: 1 }];
    const { sweep, alive, call, runners, settle, prewarm } = await served(1, { memoryMiB: 512, prewarmed });
    await prewarm.replenish();
    expect(alive()).toEqual([1, 2]);
    const other = fakeTarget();
    await call(other);
    expect(alive()).toEqual([1, 3]);
    await call(other);
    expect(alive()).toEqual([3, 4]);
    runners[2]?.answer();
    runners[3]?.answer();
    await settle();
    await sweep();
    expect(alive()).toEqual([3, 4]);
    await sweep({ endsIdle: true });
    await sweep();
    expect(alive()).toEqual([5]);
  });

  it('never has more than its namespace may use at once, or than its maximum', async () => {
    const narrow = await served(5, {}, { namespaceConcurrency: 2 });
    for (let n = 0; n < 5; n++) await narrow.sweep();
    expect(narrow.alive()).toEqual([1, 2]);
    const fake = fakeScheduler();
    await fake.call(fakeTarget({ scaling: { minWarm: 5, maxInstances: 2 } }));
    fake.runners[0]?.answer();
    await fake.settle();
    for (let n = 0; n < 5; n++) await fake.sweep();
    expect(fake.alive()).toEqual([1, 2]);
  });

  it('is not restarted after it fails by itself, until a call has succeeded', async () => {
    const { sweep, alive, runners, settle, call, target } = await served(1);
    runners[0]?.crash();
    await settle();
    await sweep();
    expect(alive()).toEqual([]);
    await call(target);
    runners[1]?.answer();
    await settle();
    await sweep();
    expect(alive()).toEqual([2]);
  });

  it('is restarted after a call that ended its sandbox', async () => {
    const { sweep, alive, runners, settle, call, target } = await served(1);
    await call(target);
    runners[0]?.answer({ kind: 'refused', error: 'no' });
    await settle();
    await sweep();
    expect(alive()).toEqual([2]);
  });
});

describe('an action that is kept ready and may not be loaded', () => {
  const kept = fakeTarget({ scaling: { minWarm: 2 } });
  const served = async () => {
    const fake = fakeScheduler();
    await fake.call(kept);
    fake.runners[0]?.answer();
    await fake.settle();
    const grant = (permission: 'allowed' | 'denied', forMs: number, changes: Partial<JobTarget> = {}) =>
      fake.scheduler.grant([{ ...kept, ...changes, permission }], forMs);
    return { ...fake, grant };
  };

  it('gets no sandbox in advance after its allowance has ended, and keeps those that it has', async () => {
    const { sweep, alive, grant } = await served();
    grant('allowed', 0);
    await sweep();
    expect(alive()).toEqual([1]);
    grant('allowed', 60_000);
    await sweep();
    expect(alive()).toEqual([1, 2]);
    grant('allowed', 0);
    await sweep({ endsIdle: true });
    expect(alive()).toEqual([1, 2]);
  });

  it('loses its sandboxes once they are idle after a denial, however long ago it came', async () => {
    const { sweep, alive, grant } = await served();
    await sweep();
    grant('denied', 0);
    await sweep();
    expect(alive()).toEqual([1, 2]);
    await sweep({ endsIdle: true });
    await sweep();
    expect(alive()).toEqual([]);
  });

  it('is allowed again by the next grant, while it still has sandboxes', async () => {
    const { sweep, alive, grant, scheduler } = await served();
    grant('denied', 0);
    await sweep();
    expect(alive()).toEqual([1]);
    expect(scheduler.kept()).toMatchObject([{ action: kept.action, revision: kept.revision }]);
    grant('allowed', 60_000);
    await sweep();
    expect(alive()).toEqual([1, 2]);
  });

  it.each([{ revision: 'r2' }, { namespace: 'other' }, { action: '/guest/other' }])(
    'does not benefit from a grant for another one: %j',
    async (changes) => {
      const { sweep, alive, grant } = await served();
      grant('allowed', 0);
      grant('allowed', 60_000, changes);
      await sweep();
      expect(alive()).toEqual([1]);
    },
  );

  it('is reported with its code, and without its parameters', async () => {
    const { scheduler, call } = fakeScheduler();
    await call(fakeTarget());
    await call(fakeTarget({ scaling: { minWarm: 1 }, initEnv: { SECRET: 'x' } }));
    expect(scheduler.kept()).toEqual([
      {
        namespace: 'guest',
        action: expect.any(String),
        revision: 'r1',
        kind: 'nodejs:24',
        code: fakeTarget().code,
      },
    ]);
  });
});

describe('an action with a maximum of sandboxes', () => {
  it('makes further calls wait, and leaves other actions alone', async () => {
    const { call, runners, settle, alive } = fakeScheduler();
    const target = fakeTarget({ scaling: { maxInstances: 1 } });
    const calls = [await call(target), await call(target), await call(target)];
    await call(fakeTarget());
    expect(alive()).toEqual([1, 2]);
    for (let n = 0; n < 3; n++) {
      runners[0]?.answer();
      await settle();
    }
    expect(calls.map(({ done }) => done?.start)).toEqual(['cold', 'warm', 'warm']);
    expect(alive()).toEqual([1, 2]);
  });

  it('gets the next fresh one when the last has ended', async () => {
    const { call, runners, settle, alive } = fakeScheduler();
    const target = fakeTarget({ scaling: { fresh: true, maxInstances: 1 } });
    await call(target);
    await call(target);
    expect(alive()).toEqual([1]);
    runners[0]?.answer();
    await settle();
    expect(alive()).toEqual([2]);
  });
});

describe('the reason of a start', () => {
  it('distinguishes the first call from one for which all were busy', async () => {
    const { call, runners, settle } = fakeScheduler();
    const target = fakeTarget();
    const [first, second] = [await call(target), await call(target)];
    for (const runner of runners) runner.answer();
    await settle();
    const third = await call(target);
    for (const runner of runners) runner.answer();
    await settle();
    expect([first, second, third].map(({ done }) => [done?.start, done?.startReason])).toEqual([
      ['cold', 'first call of this revision'],
      ['cold', 'all its sandboxes were busy'],
      ['warm', undefined],
    ]);
    expect(third.done?.sandboxMs).toBeUndefined();
  });

  it('is the keep-alive or short memory, if that ended the idle ones', async () => {
    const { call, runners, settle, sweep } = fakeScheduler();
    const target = fakeTarget();
    await call(target);
    runners[0]?.answer();
    await settle();
    await sweep({ endsIdle: true });
    const again = await call(target);
    runners[1]?.answer();
    await settle();
    expect(again.done?.startReason).toBe('its idle sandboxes were ended (keep-alive, or memory was short)');
  });

  it.each([
    ['crashed while it was idle', 'crash'],
    ['made a developer error', 'refused'],
    ['could not be initialised', 'init'],
  ])('says that the last %s', async (_what, how) => {
    const { call, runners, settle, world } = fakeScheduler();
    const target = fakeTarget();
    if (how === 'init') world.initOutcome = () => ({ kind: 'refused', error: 'no' });
    await call(target);
    runners[0]?.answer(how === 'refused' ? { kind: 'refused', error: 'no' } : undefined);
    await settle();
    if (how === 'crash') runners[0]?.crash();
    await settle();
    world.initOutcome = () => ({ kind: 'ok' });
    const again = await call(target);
    runners[1]?.answer();
    await settle();
    expect(again.done?.startReason).toBe('its last sandbox failed');
  });

  it('is separate for each revision', async () => {
    const { call, runners, settle } = fakeScheduler();
    const target = fakeTarget();
    await call(target);
    runners[0]?.answer({ kind: 'refused', error: 'no' });
    await settle();
    const next = await call({ ...target, revision: 'r2' });
    runners[1]?.answer();
    await settle();
    expect(next.done?.startReason).toBe('first call of this revision');
  });
});

describe('a hint that an action is called soon', () => {
  it('starts one sandbox, which serves the call as a warm one', async () => {
    const { scheduler, settle, call, runners, alive } = fakeScheduler();
    const target = fakeTarget();
    scheduler.warm(target);
    scheduler.warm(target);
    await settle();
    scheduler.warm(target);
    await settle();
    expect(alive()).toEqual([1]);
    const { done } = await call(target).then(async (pending) => {
      runners[0]?.answer();
      await settle();
      return pending;
    });
    expect(done).toMatchObject({ start: 'warm' });
    expect(runners[0]?.inits).toBe(1);
  });

  it('takes no memory from others, and starts no further instance', async () => {
    const { scheduler, settle, call, runners, alive } = fakeScheduler({ memoryMiB: 256 });
    await call(fakeTarget());
    runners[0]?.answer();
    await settle();
    scheduler.warm(fakeTarget());
    await settle();
    expect(alive()).toEqual([1]);
    const full = fakeScheduler();
    const target = fakeTarget({ scaling: { maxInstances: 1 } });
    await full.call(target);
    full.scheduler.warm(target);
    await full.settle();
    expect(full.alive()).toEqual([1]);
  });

  it('that cannot be followed causes no error', async () => {
    const { scheduler, settle, alive, world } = fakeScheduler();
    scheduler.warm(fakeTarget({ limits: { ...fakeTarget().limits, memoryMiB: 1_000_000 } }));
    world.startFault = new Error('no');
    scheduler.warm(fakeTarget());
    await settle();
    expect(alive()).toEqual([]);
    expect(scheduler.isBusy).toBe(false);
  });
});

describe('a prewarmed sandbox', () => {
  it('that cannot take the code on a full disk is ended', async () => {
    const prewarmed = [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }];
    const { call, runners, settle, prewarm, world } = fakeScheduler({ prewarmed });
    await prewarm.replenish();
    world.layFault = Object.assign(new Error('the disk'), { code: 'ENOSPC' });
    const { job: _, ...called } = await call(fakeTarget());
    await settle();
    expect(called).toMatchObject({ fault: { code: 'ENOSPC' } });
    expect(runners[0]?.isEnded).toBe(true);
  });

  it('is not used for an action with different sandboxes', async () => {
    const prewarmed = [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }];
    const { call, runners, settle, prewarm } = fakeScheduler({ prewarmed });
    await prewarm.replenish();
    const limits = { ...fakeTarget().limits, cpus: 2 };
    const other = await call(fakeTarget({ limits }));
    runners[1]?.answer();
    await settle();
    expect(other.done?.start).toBe('cold');
  });
});

describe('a refusal', () => {
  it('covers all calls that wait for an image that does not exist', async () => {
    const { call, settle, world } = fakeScheduler({ maxStarting: 1 });
    world.startFault = imageUnknown('no image');
    const target = fakeTarget();
    const calls = await Promise.all([call(target), call(target)]);
    await settle();
    expect(calls.map(({ fault }) => fault)).toMatchObject(Array(2).fill({ code: 'IMAGE_UNKNOWN' }));
  });

  it.each(['ENOSPC', 'EROFS', 'EMFILE'])(
    'of a machine in trouble covers the next call in the queue: %s',
    async (code) => {
      const { call, settle, world } = fakeScheduler({ maxStarting: 1 });
      world.startFault = Object.assign(new Error('the disk'), { code });
      const { job: _, ...called } = await call(fakeTarget());
      await settle();
      expect(called).toMatchObject({ fault: { code } });
    },
  );

  it.each([invokerCutOff(new Error('removed')), new Fault('BLOB_STORE_UNREACHABLE', 'busy', 'away')])(
    'lets another invoker try when the code cannot be fetched here: $code',
    async (fault) => {
      const { call, settle, world } = fakeScheduler();
      world.startFault = fault;
      const { job: _, ...called } = await call(fakeTarget());
      await settle();
      expect(called).toMatchObject({ fault });
    },
  );

  it('comes only after a second busy sandbox', async () => {
    const { call, runners, settle } = fakeScheduler();
    const first = await call(fakeTarget());
    runners[0]?.answer({ kind: 'busy', error: 'later' });
    await settle();
    expect(runners[0]?.isEnded).toBe(true);
    expect(runners[1]?.open).toEqual([first.job.activationId]);
    runners[1]?.answer({ kind: 'busy', error: 'later' });
    await settle();
    expect(first.done).toMatchObject({ status: 'action developer error', result: { error: 'later' } });
  });

  it('says when to retry', async () => {
    const { scheduler, call } = fakeScheduler({ maxQueued: 1 });
    const target = fakeTarget({ scaling: { maxInstances: 1 } });
    await call(target);
    const { job } = await call(target);
    expect(() => scheduler.submit(job)).toThrow(
      expect.objectContaining({ code: 'INVOKER_BUSY', kind: 'overloaded', retryAfterMs: 1000 }),
    );
  });
});

describe('following the log of a call', () => {
  it('continues from the queue through the initialisation to the run', async () => {
    const { scheduler, call, runners, settle } = fakeScheduler({ parallelSlots: 1 });
    const target = fakeTarget();
    await call(target);
    const { job } = await call(target);
    const left = new AbortController();
    const { lines: seen } = readLive(scheduler.follow(job.activationId, left.signal));
    runners[0]?.answer();
    await settle();
    runners[0]?.say(job.activationId, 'running');
    await settle();
    expect(seen).toEqual(['running']);
    left.abort();
    runners[0]?.say(job.activationId, 'unheard');
    await settle();
    expect(seen).toHaveLength(1);
  });

  it('is not possible for a call that has ended or never existed', async () => {
    const { scheduler, call, runners, settle } = fakeScheduler();
    const { job } = await call(fakeTarget());
    expect(scheduler.follow(job.activationId)).toBeDefined();
    runners[0]?.answer();
    await settle();
    expect(scheduler.follow(job.activationId)).toBeUndefined();
    expect(scheduler.follow('unknown')).toBeUndefined();
  });
});

describe('a namespace beside others', () => {
  const of = (namespace: string, changes = {}) =>
    fakeTarget({ namespace, action: `/${namespace}/a`, scaling: { fresh: true }, ...changes });

  it('starts no more than half of the sandboxes that may start at once', async () => {
    const { call, runners, settle, world } = fakeScheduler({ maxStarting: 4 });
    const inits = Promise.withResolvers<void>();
    world.initGate = inits.promise;
    for (let n = 0; n < 10; n++) await call(of('storm'));
    expect(runners).toHaveLength(2);
    await call(of('victim'));
    expect(runners).toHaveLength(3);
    inits.resolve();
    await settle();
    expect(runners.length).toBeGreaterThan(3);
  });

  it('begins no call while it is held back, and all of them afterwards', async () => {
    let heldBack = 'noisy';
    const { call, runners, scheduler, settle } = fakeScheduler({
      isHeldBack: (namespace) => namespace === heldBack,
    });
    await call(of('noisy'));
    expect(runners).toHaveLength(0);
    const other = await call(of('quiet'));
    expect(runners[0]?.open).toEqual([other.job.activationId]);
    heldBack = '';
    scheduler.resume();
    await settle();
    expect(runners).toHaveLength(2);
  });

  it('is skipped while it is held back, even with an idle sandbox', async () => {
    let heldBack = '';
    const { call, runners, settle } = fakeScheduler({ isHeldBack: (namespace) => namespace === heldBack });
    const target = of('noisy', { scaling: {} });
    await call(target);
    runners[0]?.answer();
    await settle();
    heldBack = 'noisy';
    await call(target);
    expect(runners.map(({ open }) => open)).toEqual([[]]);
  });
});

describe('a namespace that was deleted', () => {
  it('loses running and waiting calls at once, and no other namespace does', async () => {
    const { scheduler, call, runners, settle, alive } = fakeScheduler({ parallelSlots: 1 });
    const [gone, other] = [fakeTarget({ namespace: 'gone' }), fakeTarget({ namespace: 'other' })];
    const calls = [await call(gone), await call(gone), await call(other)];
    expect([...scheduler.namespaces()]).toEqual(['gone', 'other']);
    scheduler.expel('gone');
    // What its runner had not begun is given back.
    runners[0]?.giveBack();
    await settle();
    expect(calls.map(({ done }) => done?.json)).toEqual([
      expect.stringContaining('The namespace was deleted.'),
      expect.stringContaining('The namespace was deleted.'),
      undefined,
    ]);
    expect(alive()).toEqual([2]);
    expect([...scheduler.namespaces()]).toEqual(['other']);
  });

  it('loses sandboxes that are being started for it', async () => {
    const { scheduler, call, world, settle, alive } = fakeScheduler();
    const gate = Promise.withResolvers<void>();
    world.initGate = gate.promise;
    await call(fakeTarget({ namespace: 'gone' }));
    scheduler.expel('gone');
    gate.resolve();
    await settle();
    expect(alive()).toEqual([]);
  });
});

describe('a call whose sandbox ended before it was begun', () => {
  it('is not handed over early again', async () => {
    const { call, runners, settle, sweep } = fakeScheduler({ parallelSlots: 1 });
    const target = fakeTarget();
    await call(target);
    const [first] = runners;
    first?.answer({ kind: 'value', value: {}, json: '{}' }, 0.1);
    await settle();
    if (first) first.isQuick = true;
    const calls = [await call(target), await call(target)];
    expect(first?.open).toHaveLength(2);
    first?.crash();
    first?.giveBack();
    await settle();
    const second = runners[1];
    if (second) second.isQuick = true;
    await sweep();
    expect(second?.open).toEqual([calls[0]?.job.activationId]);
    second?.answer();
    await settle();
    // In either sandbox: it was waiting for a free one.
    expect(runners.flatMap(({ open }) => open)).toEqual([calls[1]?.job.activationId]);
  });
});

describe('cancelling a call', () => {
  const answer = { status: 'whisk internal error', result: { error: 'The activation was cancelled.' } };
  /** A job in the durable queue whose beginning is written when the test says so. */
  const claimed = () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    return { handover: { begin: () => promise }, write: () => resolve(true) };
  };

  it('that runs ends its sandbox, and the next one is not reported as after a failure', async () => {
    const { scheduler, call, runners, settle, alive } = fakeScheduler();
    const target = fakeTarget();
    const running = await call(target);
    scheduler.cancel(running.job.activationId);
    await settle();
    expect(running.done).toMatchObject(answer);
    expect(alive()).toEqual([]);
    const next = await call(target);
    runners[1]?.answer();
    await settle();
    expect(next.done?.startReason).toMatch(/^its idle sandboxes were ended/);
  });

  it('that waits removes it from the queue, and leaves the running one', async () => {
    const { scheduler, call, runners, settle, alive } = fakeScheduler({ parallelSlots: 1 });
    const target = fakeTarget();
    const running = await call(target);
    const waiting = await call(target);
    scheduler.cancel(waiting.job.activationId);
    await settle();
    expect(waiting.done).toMatchObject(answer);
    expect(scheduler.status().queued).toBe(0);
    runners[0]?.answer();
    await settle();
    expect(running.done?.status).toBe('success');
    expect(alive()).toEqual([1]);
    expect(runners[0]?.open).toEqual([]);
  });

  it('that shares its sandbox answers it at once, and the sandbox ends after the others', async () => {
    const { scheduler, call, runners, settle, alive } = fakeScheduler({ parallelSlots: 1 });
    const target = fakeTarget({ limits: { ...fakeTarget().limits, concurrency: 2 } });
    const [first, second] = [await call(target), await call(target)];
    scheduler.cancel(first.job.activationId);
    await settle();
    expect([first.done, second.done]).toEqual([expect.objectContaining(answer), undefined]);
    expect(alive()).toEqual([1]);
    runners[0]?.answer();
    runners[0]?.answer();
    await settle();
    expect(second.done?.status).toBe('success');
    expect(alive()).toEqual([]);
  });

  it.each(['with a warm sandbox', 'while its sandbox starts'])(
    'that is being claimed answers it once the claim is written, and it never begins: %s',
    async (where) => {
      const { scheduler, call, runners, settle } = fakeScheduler();
      const target = fakeTarget();
      if (where === 'with a warm sandbox') {
        await call(target);
        runners[0]?.answer();
        await settle();
      }
      const { handover, write } = claimed();
      const claiming = await call(target, handover);
      scheduler.cancel(claiming.job.activationId);
      await settle();
      expect(claiming.done).toBeUndefined();
      write();
      await settle();
      expect(claiming.done).toMatchObject(answer);
      expect(runners[0]?.open).toEqual([]);
      expect((await call(target)).job.activationId).toBe(runners[0]?.open[0]);
    },
  );

  it('that does not exist does nothing', async () => {
    const { scheduler, call, alive } = fakeScheduler();
    await call(fakeTarget());
    scheduler.cancel('unknown');
    expect(alive()).toEqual([1]);
  });
});

it('measures initialisations without the clock of the machine', async () => {
  const { call, runners, settle, world } = fakeScheduler();
  world.initOutcome = () => {
    vi.spyOn(Date, 'now').mockReturnValue(0);
    return { kind: 'ok' };
  };
  try {
    const first = await call(fakeTarget());
    runners[0]?.answer();
    await settle();
    expect(first.done?.initMs).toBeGreaterThanOrEqual(0);
  } finally {
    vi.restoreAllMocks();
  }
});
