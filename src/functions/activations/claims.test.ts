/**
 * Accepted calls are claimed only when a sandbox is ready for them, so calls that have not begun run after a restart.
 */
import { describe, expect, test, vi } from 'vitest';
import { imageUnknown } from '../../dispatch/index.ts';
import { Fault, type JsonObject, silentLog } from '../../lib/index.ts';
import { completion, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { toQueue } from './accepted-task.ts';
import { newBudget } from './composed-call.ts';
import { type ComposerOptions, compose } from './composer.ts';
import type { InvokeRequest } from './invocations.ts';
import { newTask } from './new-task.ts';

/** No job gets a sandbox before `free` is called. */
async function crowded(annotations: JsonObject = {}): Promise<{ platform: Platform; free: () => void }> {
  const platform = await startPlatform();
  const list = Object.entries(annotations).map(([key, value]) => ({ key, value: value ?? null }));
  await platform.functions.actions.put(ref('hello'), { ...hello, annotations: list }, false, platform.guest);
  const slot = Promise.withResolvers<void>();
  platform.invoker.slot = slot.promise;
  return { platform, free: slot.resolve };
}

async function accepted(platform: Platform, more: Partial<InvokeRequest> = {}): Promise<string> {
  const { activationId } = await platform.functions.invocations.invoke({
    identity: platform.guest,
    action: ref('hello'),
    payload: {},
    waitMs: undefined,
    transactionId: 't1',
    authorization: platform.authorization,
    ...more,
  });
  return activationId;
}

const queued = async ({ store }: Platform) =>
  (await store.accepted.pending(10)).map(({ activationId, attempt }) => ({ activationId, attempt }));
/** Claims the call as another server would that has adopted it. */
async function claimElsewhere({ store: { accepted } }: Platform, activationId: string): Promise<void> {
  const [row] = await accepted.pending(1);
  await accepted.leave(row?.owner ?? '');
  await accepted.adopt('elsewhere', 1);
  expect(await accepted.claim(activationId, 0, 'elsewhere')).toBe(true);
}
async function afterTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}
const records = ({ functions }: Platform) => functions.activations.count({ namespace: 'guest' });
const record = (platform: Platform, id: string) => platform.functions.activations.get('guest', id);
const ranTimes = ({ invoker }: Platform, id: string) =>
  invoker.jobs.filter(({ activationId }) => activationId === id).length;

async function sequence(platform: Platform, name: string, components: readonly string[]): Promise<void> {
  const exec = { kind: 'sequence', components };
  await platform.functions.actions.put(ref(name), { exec }, false, platform.guest);
}

describe('an accepted call', () => {
  test('is claimed when a sandbox is ready for it', async () => {
    const { platform, free } = await crowded();
    await using _ = platform;
    const end = Promise.withResolvers<void>();
    platform.invoker.script = () => end.promise.then(() => completion({}));
    const activationId = await accepted(platform);
    expect(await queued(platform)).toEqual([{ activationId, attempt: 0 }]);
    free();
    await expect.poll(() => queued(platform)).toEqual([{ activationId, attempt: 1 }]);
    end.resolve();
    await expect.poll(() => queued(platform)).toEqual([]);
    expect(await record(platform, activationId)).toMatchObject({ response: { success: true } });
  });

  test('that was claimed elsewhere by then is not run, and holds nothing', async () => {
    const { platform, free } = await crowded();
    await using _ = platform;
    const activationId = await accepted(platform);
    await claimElsewhere(platform, activationId);
    free();
    await expect.poll(() => platform.invoker.inFlight).toBe(0);
    expect(await queued(platform)).toEqual([{ activationId, attempt: 1 }]);
    expect([ranTimes(platform, activationId), await records(platform)]).toEqual([0, 0]);
  });

  test.each([
    ['is refused', async () => Promise.reject(imageUnknown('guest/app:v1'))],
    ['has an answer', async () => completion({})],
  ])('that %s before its claim is answered has a record, and leaves the queue', async (_, end) => {
    const { platform } = await crowded();
    await using _platform = platform;
    const [written, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { claim } = platform.store.accepted;
    vi.spyOn(platform.store.accepted, 'claim').mockImplementation(async (...row) => {
      const isClaimed = await claim(...row);
      written.resolve();
      await answered.promise;
      return isClaimed;
    });
    platform.invoker.run = async (_job, handover) => {
      void handover?.begin();
      await written.promise;
      void afterTurns(9).then(answered.resolve);
      const { log, ...ended } = await end();
      return { completion: ended, log };
    };
    const activationId = await accepted(platform);
    await expect.poll(() => queued(platform)).toEqual([]);
    expect(await record(platform, activationId)).toMatchObject({ activationId });
  });

  test('that cannot be claimed stays for later', async () => {
    const { platform, free } = await crowded();
    await using _ = platform;
    const activationId = await accepted(platform);
    vi.spyOn(platform.store.accepted, 'claim').mockRejectedValueOnce(new Error('no disk'));
    free();
    await expect.poll(() => platform.invoker.inFlight).toBe(0);
    expect(await queued(platform)).toEqual([{ activationId, attempt: 0 }]);
    expect([ranTimes(platform, activationId), await records(platform)]).toEqual([0, 0]);
    const next = await platform.restart();
    expect(await next.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 0 });
    expect(await record(platform, activationId)).toMatchObject({ response: { success: true } });
  });

  test('that ends without a sandbox has one record, and is never claimed', async () => {
    const { platform } = await crowded();
    await using _ = platform;
    const claim = vi.spyOn(platform.store.accepted, 'claim');
    const empty = { exec: { kind: 'nodejs:default', code: '' } };
    await platform.functions.actions.put(ref('hello'), empty, true, platform.guest);
    const activationId = await accepted(platform);
    await expect.poll(() => queued(platform)).toEqual([]);
    expect(await record(platform, activationId)).toMatchObject({
      response: { status: 'action developer error' },
    });
    expect([await records(platform), claim.mock.calls]).toEqual([1, []]);
  });

  test('that another server has begun in the meantime gets no record here', async () => {
    const { platform } = await crowded();
    await using _ = platform;
    const slot = Promise.withResolvers<void>();
    platform.invoker.slot = slot.promise;
    const activationId = await accepted(platform);
    await claimElsewhere(platform, activationId);
    slot.reject(new Error('no room'));
    await expect.poll(() => platform.invoker.inFlight).toBe(0);
    await platform.store.activations.flush();
    expect([await records(platform), await queued(platform)]).toEqual([0, [{ activationId, attempt: 1 }]]);
  });
});

describe('a blocking call that outlasts its wait', () => {
  test('before it has a sandbox is claimed once it has one', async () => {
    const { platform, free } = await crowded();
    await using _ = platform;
    const activationId = await accepted(platform, { waitMs: 1 });
    expect(await queued(platform)).toEqual([{ activationId, attempt: 0 }]);
    const end = Promise.withResolvers<void>();
    platform.invoker.script = () => end.promise.then(() => completion({}));
    free();
    await expect.poll(() => queued(platform)).toEqual([{ activationId, attempt: 1 }]);
    end.resolve();
    await expect.poll(() => queued(platform)).toEqual([]);
    expect(await record(platform, activationId)).toMatchObject({ response: { success: true } });
  });

  test('goes on if it cannot be made durable', async () => {
    const { platform, free } = await crowded();
    await using _ = platform;
    vi.spyOn(platform.store.accepted, 'accept').mockRejectedValueOnce(new Error('no disk'));
    const activationId = await accepted(platform, { waitMs: 1 });
    free();
    await expect.poll(() => platform.invoker.inFlight).toBe(0);
    expect(await record(platform, activationId)).toMatchObject({ response: { success: true } });
  });
});

describe('at a stop', () => {
  test.each([
    ['accepted', {}],
    ['accepted when its wait had run out', { waitMs: 1 }],
  ])(
    'a call that was %s and has not begun stays at once, and runs once after the next start',
    async (_, more) => {
      const { platform, free } = await crowded();
      await using _platform = platform;
      const activationId = await accepted(platform, more);
      const claims = vi.spyOn(platform.store.accepted, 'claim');
      await platform.functions.close(60_000);
      free();
      expect([await queued(platform), await records(platform)]).toEqual([[{ activationId, attempt: 0 }], 0]);
      expect(platform.invoker.inFlight).toBe(0);
      const next = await platform.restart();
      expect(await next.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 0 });
      expect([ranTimes(platform, activationId), claims.mock.calls]).toEqual([1, []]);
      expect(await queued(platform)).toEqual([]);
      expect(await record(platform, activationId)).toMatchObject({ response: { success: true } });
    },
  );

  test('a call that only this process can run is awaited', async () => {
    const { platform, free } = await crowded({ 'provide-api-key': true });
    await using _ = platform;
    const activationId = await accepted(platform);
    const closing = platform.functions.close(60_000);
    free();
    await closing;
    expect(await record(platform, activationId)).toMatchObject({ response: { success: true } });
  });

  test('without waiting, calls that are being claimed are settled first', async () => {
    const { platform, free } = await crowded();
    await using _ = platform;
    platform.invoker.script = () => new Promise(() => {});
    const activationId = await accepted(platform);
    const { claim } = platform.store.accepted;
    const writing = Promise.withResolvers<void>();
    const asked = vi.spyOn(platform.store.accepted, 'claim').mockImplementation(async (...row) => {
      const isClaimed = await claim(...row);
      await writing.promise;
      return isClaimed;
    });
    free();
    await expect.poll(() => asked.mock.calls.length).toBe(1);
    const closing = platform.functions.close(0);
    // Long after the stop has run out of time.
    setTimeout(writing.resolve, 50);
    await closing;
    expect(await queued(platform)).toEqual([]);
    expect(await record(platform, activationId)).toMatchObject({
      response: { result: { error: expect.stringContaining('interrupted') } },
    });
  });

  test('a call that has begun and may be run again stays, and its record says that it was retried', async () => {
    const { platform, free } = await crowded({ 'retry-on-restart': true });
    await using _ = platform;
    free();
    platform.invoker.script = () => new Promise(() => {});
    const activationId = await accepted(platform);
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    await platform.functions.close(1);
    expect([await queued(platform), await records(platform)]).toEqual([[{ activationId, attempt: 1 }], 0]);
    platform.invoker.script = () => completion({ again: true });
    const next = await platform.restart();
    expect(await next.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 0 });
    expect(await record(platform, activationId)).toMatchObject({
      annotations: expect.arrayContaining([{ key: 'attempt', value: 2 }]),
      response: { result: { again: true } },
    });
    expect(await queued(platform)).toEqual([]);
  });

  test('an ended call is recorded while its log is being read, even if it may be retried', async () => {
    const { platform, free } = await crowded({ 'retry-on-restart': true });
    await using _ = platform;
    free();
    platform.invoker.script = () => completion({ done: true }, { log: new Promise(() => {}) });
    const activationId = await accepted(platform);
    await expect.poll(() => platform.invoker.inFlight).toBe(0);
    await platform.functions.close(1);
    expect(await queued(platform)).toEqual([]);
    expect(await record(platform, activationId)).toMatchObject({ response: { result: { done: true } } });
  });
});

describe('a sequence that was accepted', () => {
  const steps = (platform: Platform) => sequence(platform, 'two', ['/_/hello', '/_/hello']);

  test('is claimed with its first action, and once', async () => {
    const { platform, free } = await crowded();
    await using _ = platform;
    await steps(platform);
    const claims = vi.spyOn(platform.store.accepted, 'claim');
    const activationId = await accepted(platform, { action: ref('two') });
    expect(await queued(platform)).toEqual([{ activationId, attempt: 0 }]);
    free();
    await expect.poll(() => queued(platform)).toEqual([]);
    expect(claims.mock.calls).toEqual([[activationId, 0, expect.any(String)]]);
    expect(platform.invoker.jobs).toHaveLength(2);
    expect(await record(platform, activationId)).toMatchObject({ response: { success: true } });
  });

  test.each([
    ['', 'two'],
    [' within another', 'outer'],
  ])(
    'and has not begun%s stays at a stop, and neither it nor its action leaves a record',
    async (_, name) => {
      const { platform, free } = await crowded();
      await using _platform = platform;
      await steps(platform);
      await sequence(platform, 'outer', ['/_/two', '/_/hello']);
      const activationId = await accepted(platform, { action: ref(name) });
      await expect.poll(() => platform.invoker.waiting).toBe(1);
      await platform.functions.close(60_000);
      free();
      expect([await queued(platform), await records(platform)]).toEqual([[{ activationId, attempt: 0 }], 0]);
      const next = await platform.restart();
      expect(await next.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 0 });
      expect(platform.invoker.jobs).toHaveLength(name === 'two' ? 2 : 3);
      expect(await record(platform, activationId)).toMatchObject({ response: { success: true } });
    },
  );

  test('begins no further action after it was interrupted', async () => {
    const { platform, free } = await crowded();
    await using _ = platform;
    await steps(platform);
    free();
    const first = Promise.withResolvers<void>();
    platform.invoker.script = () => first.promise.then(() => completion({}));
    const activationId = await accepted(platform, { action: ref('two') });
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    await platform.functions.close(1);
    first.resolve();
    expect(await record(platform, activationId)).toMatchObject({
      response: { result: { error: expect.stringContaining('interrupted') } },
    });
    expect(platform.invoker.jobs).toHaveLength(1);
  });
});

test('a built-in action acts only if it may begin', async () => {
  await using platform = await startPlatform();
  const run = vi.fn(async () => ({ done: true }));
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  const known = await platform.functions.actions.resolve(ref('hello'), platform.guest.namespace);
  const builtin = { path: 'p/builtin', description: '', annotations: [], parameters: [], run };
  const resolved = { ...known, plan: { type: 'builtin', builtin } as const };
  const caller = { identity: platform.guest, transactionId: 't', authorization: undefined };
  const task = newTask({ resolved, caller, payload: {} });
  if (task.type !== 'composed') throw new Error('it is code');
  const options: ComposerOptions = {
    ...platform.functions,
    components: { run: vi.fn(), runConductor: vi.fn(), warm: vi.fn() },
    maxLength: 1,
    log: silentLog,
  };
  const call = { resolved, caller, budget: newBudget() };
  const begun = (mayBegin: boolean) => compose(options, task, call, { begin: async () => mayBegin });
  await expect(begun(false)).rejects.toMatchObject({ code: 'JOB_WITHDRAWN' });
  expect(run).not.toHaveBeenCalled();
  expect(await begun(true)).toMatchObject({ status: 'success', result: { done: true } });
  run.mockRejectedValueOnce(new Fault('STORE_UNREACHABLE', 'busy', 'db.internal does not answer'));
  const error = expect.stringMatching(/^The server does not reach its database/);
  expect(await begun(true)).toMatchObject({ status: 'application error', result: { error } });
});

describe('after a restart, a call that had begun', () => {
  /** Writes a call that an earlier process has begun `times` times. */
  const left = async (platform: Platform, times: number, needsApiKey = false): Promise<string> => {
    const resolved = await platform.functions.actions.resolve(ref('hello'), platform.guest.namespace);
    const caller = { identity: platform.guest, transactionId: 't', authorization: undefined };
    const task = newTask({ resolved, caller, payload: {} });
    const { activationId, namespace, acceptedAt } = task;
    const job = { ...(toQueue(task, platform.vault) as JsonObject), needsApiKey };
    await platform.store.accepted.accept({
      ...{ activationId, namespace, acceptedAt, job },
      ...{ owner: 'gone', codeDigest: null },
    });
    for (let attempt = 0; attempt < times; attempt++)
      await platform.store.accepted.claim(activationId, attempt, 'gone');
    return activationId;
  };
  const error = async (platform: Platform, id: string) =>
    ((await record(platform, id)) as { response: { result: { error: string } } }).response.result.error;

  test('runs again if its action says so, once each time', async () => {
    const { platform, free } = await crowded({ 'retry-on-restart': true });
    await using _ = platform;
    free();
    const [twice, thrice] = [await left(platform, 1), await left(platform, 2)];
    expect(await platform.functions.invocations.resumeAccepted()).toEqual({ run: 2, interrupted: 0 });
    for (const [id, attempt] of [
      [twice, 2],
      [thrice, 3],
    ] as const) {
      expect(ranTimes(platform, id)).toBe(1);
      expect(await record(platform, id)).toMatchObject({
        annotations: expect.arrayContaining([{ key: 'attempt', value: attempt }]),
        response: { success: true },
      });
    }
    expect(await queued(platform)).toEqual([]);
  });

  test('waits until an invoker is heard, as before its first run', async () => {
    const { platform, free } = await crowded({ 'retry-on-restart': true });
    await using _ = platform;
    free();
    const { invoker } = platform;
    const run = invoker.run;
    let tries = 0;
    invoker.run = async (...job) => {
      if (tries++ === 0) throw new Fault('INVOKERS_UNREACHABLE', 'busy', 'no invoker is heard');
      return run(...job);
    };
    const id = await left(platform, 1);
    expect(await platform.functions.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 0 });
    await expect.poll(() => queued(platform)).toEqual([]);
    expect(await record(platform, id)).toMatchObject({
      annotations: expect.arrayContaining([
        { key: 'attempt', value: 2 },
        { key: 'waitReason', value: 'the server that had accepted it stopped or gave it up' },
      ]),
      response: { success: true },
    });
    expect(tries).toBe(2);
  });

  test('does not run a fourth time: its record says how often it was interrupted', async () => {
    const { platform, free } = await crowded({ 'retry-on-restart': true });
    await using _ = platform;
    free();
    const id = await left(platform, 3);
    expect(await platform.functions.invocations.resumeAccepted()).toEqual({ run: 0, interrupted: 1 });
    expect(await error(platform, id)).toBe('The activation was interrupted 3 times, and is not run again.');
    expect(platform.invoker.jobs).toEqual([]);
  });

  test('is interrupted if its action does not say so', async () => {
    const { platform, free } = await crowded({ 'retry-on-restart': 'yes' });
    await using _ = platform;
    free();
    const id = await left(platform, 1);
    expect(await platform.functions.invocations.resumeAccepted()).toEqual({ run: 0, interrupted: 1 });
    expect(await error(platform, id)).toBe(
      'The activation was interrupted: the server that had it stopped or was cut off.',
    );
  });

  test('is interrupted if it needs a key that is not kept', async () => {
    const { platform, free } = await crowded({ 'retry-on-restart': true });
    await using _ = platform;
    free();
    const id = await left(platform, 1, true);
    expect(await platform.functions.invocations.resumeAccepted()).toEqual({ run: 0, interrupted: 1 });
    expect(await error(platform, id)).toMatch(/can't be run again: it needs its caller's API key/);
  });
});
