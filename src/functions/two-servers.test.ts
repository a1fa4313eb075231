/** Two servers on one store at the same time: neither touches what the other one runs. */
import { describe, expect, test } from 'vitest';
import { readLive } from '../dispatch/dispatch.suite.ts';
import { type Job, LiveLog } from '../dispatch/index.ts';
import type { InvokeAnswer } from './activations/invocations.ts';
import type { Functions } from './functions.ts';
import {
  completion,
  type EndedJob,
  hello,
  type Platform,
  ref,
  scriptedInvoker,
  startPlatform,
} from './platform.fixture.ts';

/** The platform starts the `first` one; a test starts the second. */
async function startFirst(): Promise<Platform> {
  const platform = await startPlatform({ isAlone: false });
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  return platform;
}

function call(
  platform: Platform,
  { invocations }: Functions,
  waitMs: number | undefined,
): Promise<InvokeAnswer> {
  return invocations.invoke({
    identity: platform.guest,
    action: ref('hello'),
    payload: {},
    waitMs,
    transactionId: 't1',
    authorization: platform.authorization,
  });
}

/** Keeps calls running until it is resolved. */
function hold(platform: Platform): PromiseWithResolvers<EndedJob> {
  const end = Promise.withResolvers<EndedJob>();
  platform.invoker.script = () => end.promise;
  return end;
}

async function nextJob({ invoker }: Platform): Promise<Job> {
  await expect.poll(() => invoker.jobs.length).toBeGreaterThan(0);
  const job = invoker.jobs.at(-1);
  if (job === undefined) throw new Error('no job');
  return job;
}

describe('an accepted call of the first server', () => {
  test('goes on when the second one starts, and is recorded by the first', async () => {
    await using platform = await startFirst();
    const end = hold(platform);
    const { activationId } = await call(platform, platform.functions, undefined);
    await nextJob(platform);
    const second = await platform.restart();
    await second.start();
    expect(await second.invocations.resumeAccepted()).toEqual({ run: 0, interrupted: 0 });
    end.resolve(completion({ done: true }));
    await expect.poll(() => platform.store.accepted.pending(1)).toEqual([]);
    expect(await second.activations.get('guest', activationId)).toMatchObject({
      response: { success: true, result: { done: true } },
    });
  });

  test('runs once when the second one starts at the same moment', async () => {
    await using platform = await startFirst();
    const second = await platform.restart();
    const calls = Array.from({ length: 20 }, () => call(platform, platform.functions, undefined));
    const [answers] = await Promise.all([Promise.all(calls), second.start()]);
    await expect.poll(() => platform.store.accepted.pending(1)).toEqual([]);
    const ran = platform.invoker.jobs.map(({ activationId }) => activationId);
    expect(ran.toSorted()).toEqual(answers.map(({ activationId }) => activationId).toSorted());
    expect(await second.activations.count({ namespace: 'guest' })).toBe(20);
  });

  test('that had begun is recorded as interrupted, once, after the lease of the first has ended', async () => {
    await using platform = await startFirst();
    const end = hold(platform);
    const { activationId } = await call(platform, platform.functions, undefined);
    await nextJob(platform);
    await endLease(platform);
    const second = await platform.restart();
    expect(await second.invocations.resumeAccepted()).toEqual({ run: 0, interrupted: 1 });
    end.resolve(completion({ late: true }));
    await expect.poll(() => platform.invoker.inFlight).toBe(0);
    await platform.store.activations.flush();
    expect(await platform.functions.activations.get('guest', activationId)).toMatchObject({
      response: {
        result: { error: 'The activation was interrupted: the server that had it stopped or was cut off.' },
      },
    });
    expect(await second.activations.count({ namespace: 'guest' })).toBe(1);
  });

  test('that had not begun runs only on the second after the lease of the first has ended', async () => {
    await using platform = await startFirst();
    const slot = Promise.withResolvers<void>();
    platform.invoker.slot = slot.promise;
    const { activationId } = await call(platform, platform.functions, undefined);
    await expect.poll(() => platform.invoker.waiting).toBe(1);
    await endLease(platform);
    const second = await platform.restart();
    const resumed = second.invocations.resumeAccepted();
    await expect.poll(() => platform.invoker.waiting).toBe(2);
    slot.resolve();
    expect(await resumed).toEqual({ run: 1, interrupted: 0 });
    expect(platform.invoker.jobs).toHaveLength(1);
    expect(await second.activations.get('guest', activationId)).toMatchObject({
      response: { success: true },
    });
  });

  test('that has not begun when the first stops runs on the second at once', async () => {
    await using platform = await startFirst();
    const second = await platform.restart();
    const slot = Promise.withResolvers<void>();
    platform.invoker.slot = slot.promise;
    const { activationId } = await call(platform, platform.functions, undefined);
    await expect.poll(() => platform.invoker.waiting).toBe(1);
    expect(await second.invocations.resumeAccepted()).toEqual({ run: 0, interrupted: 0 });
    await platform.functions.close(60_000);
    slot.resolve();
    expect(await second.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 0 });
    expect(await second.activations.get('guest', activationId)).toMatchObject({
      response: { success: true },
    });
  });
});

/** Ends the lease as its time does when the server hangs or has died. */
async function endLease({ store: { accepted } }: Platform): Promise<void> {
  const [row] = await accepted.pending(1);
  if (row === undefined) throw new Error('nothing was accepted');
  await accepted.leave(row.owner);
}

test('an action that is changed on the second is soon called in its new version on the first', async () => {
  await using platform = await startFirst();
  await call(platform, platform.functions, 5000);
  expect((await nextJob(platform)).version).toBe('0.0.1');
  const second = await platform.restart();
  await second.actions.put(ref('hello'), hello, true, platform.guest);
  await expect
    .poll(async () => {
      await call(platform, platform.functions, 5000);
      return platform.invoker.jobs.at(-1)?.version;
    })
    .toBe('0.0.2');
});

test('each has its own share of a limit', async () => {
  await using platform = await startFirst();
  const limits = { ...platform.guest.limits, concurrentInvocations: 1 };
  const limited = { ...platform, guest: { ...platform.guest, limits } };
  const end = hold(platform);
  const running = call(limited, platform.functions, 5000);
  await nextJob(platform);
  await expect(call(limited, platform.functions, 5000)).rejects.toMatchObject({
    code: 'TOO_MANY_CONCURRENT',
  });
  const second = await platform.restart(scriptedInvoker());
  expect((await call(limited, second, 5000)).record).toMatchObject({ status: 'success' });
  end.resolve(completion({}));
  await running;
});

test('code that the first may be about to load stays if its action is deleted or changed on the second', async () => {
  await using platform = await startFirst();
  const end = hold(platform);
  const running = call(platform, platform.functions, 5000);
  const { digest } = (await nextJob(platform)).code;
  const second = await platform.restart();
  const other = { exec: { kind: 'nodejs:default', code: 'function main() { return { n: 2 } }' } };
  await second.actions.put(ref('hello'), other, true, platform.guest);
  expect(await platform.blobs.has(digest)).toBe(true);
  await second.actions.put(ref('hello'), hello, true, platform.guest);
  await second.actions.delete(ref('hello'));
  expect(await platform.blobs.has(digest)).toBe(true);
  end.resolve(completion({}));
  await running;
  expect(await platform.blobs.has(digest)).toBe(true);
});

describe('on the second server, an activation of the first', () => {
  test('that was accepted is under way, and can be followed to its end', async () => {
    await using platform = await startFirst();
    const end = hold(platform);
    const { activationId } = await call(platform, platform.functions, undefined);
    await nextJob(platform);
    const second = await platform.restart();
    await expect(second.activations.get('guest', activationId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await second.activations.pending('guest', activationId)).toMatchObject({ name: 'hello' });
    const { signal } = new AbortController();
    const follower = readLive(await second.follow('guest', activationId, signal));
    expect(await second.follow('other', activationId, signal)).toBeUndefined();
    expect(follower.hasEnded).toBe(false);
    end.resolve(completion({ done: true }));
    await follower.ended;
    expect(await second.activations.get('guest', activationId)).toMatchObject({
      response: { result: { done: true } },
    });
    expect(follower).toMatchObject({ lines: [], skipped: 0 });
  });

  test('is no longer followed by a client that hung up', async () => {
    await using platform = await startFirst();
    const end = hold(platform);
    const { activationId } = await call(platform, platform.functions, undefined);
    await nextJob(platform);
    const second = await platform.restart();
    const left = new AbortController();
    const leaves = readLive(await second.follow('guest', activationId, left.signal));
    const stays = readLive(await second.follow('guest', activationId, new AbortController().signal));
    left.abort();
    await leaves.ended;
    expect(stays.hasEnded).toBe(false);
    end.resolve(completion({}));
    await stays.ended;
  });

  test('that is blocking can be followed line by line, if the first is asked for its log', async () => {
    const asked: string[] = [];
    let first: Functions | undefined;
    await using platform = await startPlatform({
      isAlone: false,
      async followElsewhere(namespace, activationId, signal) {
        asked.push(namespace);
        return first?.ownCalls.follow(namespace, activationId, signal);
      },
    });
    await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
    first = platform.functions;
    let log: LiveLog | undefined;
    platform.invoker.follow = (_, signal) => {
      log = new LiveLog(() => {}, signal);
      return log;
    };
    const end = hold(platform);
    const answer = call(platform, first, 60_000);
    const { activationId } = await nextJob(platform);
    const second = await platform.restart();
    const { signal } = new AbortController();
    const follower = readLive(await second.follow('guest', activationId, signal));
    log?.add('begun');
    await expect.poll(() => follower.lines).toEqual(['begun']);
    expect(follower.hasEnded).toBe(false);
    expect(await second.follow('other', activationId, signal)).toBeUndefined();
    expect(first.ownCalls.has('other', activationId)).toBe(false);
    end.resolve(completion({}));
    await follower.ended;
    expect(await second.activations.get('guest', activationId)).toMatchObject({ activationId });
    expect(await second.follow('guest', activationId, signal)).toBeUndefined();
    expect(asked).toEqual(['guest', 'other', 'guest']);
    await answer;
  });

  test('that was blocking has its record there when it has answered', async () => {
    await using platform = await startFirst();
    const second = await platform.restart();
    const { activationId } = await call(platform, platform.functions, 5000);
    expect(await second.activations.get('guest', activationId)).toMatchObject({ activationId });
  });

  test('that never existed is not found', async () => {
    await using platform = await startFirst();
    const second = await platform.restart();
    const id = 'a'.repeat(32);
    await expect(second.activations.get('guest', id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await second.follow('guest', id, new AbortController().signal)).toBeUndefined();
  });
});
