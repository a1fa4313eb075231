/** Calls that have not ended: listed, and cancelled wherever they are. Each leaves one record that says so. */
import { expect, test } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import type { Functions } from '../functions.ts';
import { completion, type EndedJob, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';

const says = { status: 'action developer error', result: { error: 'The activation was cancelled.' } };

async function start(options: Parameters<typeof startPlatform>[0] = {}): Promise<Platform> {
  const platform = await startPlatform(options);
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  return platform;
}

function call(platform: Platform, waitMs: number | undefined, name = 'hello') {
  return platform.functions.invocations.invoke({
    ...{ identity: platform.guest, action: ref(name), payload: {}, waitMs },
    ...{ transactionId: 't1', authorization: platform.authorization },
  });
}

/** Keeps calls running until it is resolved. */
function hold({ invoker }: Platform) {
  const end = Promise.withResolvers<EndedJob>();
  invoker.script = () => end.promise;
  return end;
}

const listed = async ({ underWay }: Functions, filter = {}) =>
  (await underWay.list({ namespace: 'guest', limit: 10, ...filter })).calls;
const recordsOf = async ({ functions }: Platform) =>
  functions.activations.list({ namespace: 'guest', skip: 0, limit: 100 });

test('a running call is listed, cancelled, and answered; the cancelled call is recorded once', async () => {
  await using platform = await start();
  const { functions, invoker } = platform;
  const end = hold(platform);
  const answer = call(platform, 60_000);
  await expect.poll(() => invoker.jobs.length).toBe(1);
  const [one, ...others] = await listed(functions);
  expect(others).toEqual([]);
  expect(one).toMatchObject({ path: 'hello', hasBegun: true, cause: null });
  const id = one?.activationId ?? '';
  for (const filter of [{ path: 'other' }, { since: Date.now() + 1000 }, { upto: 1 }, { namespace: 'other' }])
    expect(await listed(functions, filter)).toEqual([]);
  // Twice at once, and once more when it has ended.
  const both = await Promise.all([1, 2].map(() => functions.underWay.cancel('guest', [id])));
  expect(both[0]).toEqual({ cancelled: [id], missing: [] });
  const { record } = await answer;
  expect(record).toMatchObject({ status: says.status });
  expect(await functions.activations.result('guest', id)).toMatchObject(says);
  expect(await functions.underWay.cancel('guest', [id])).toEqual({ cancelled: [], missing: [id] });
  end.resolve(completion({ late: true }));
  expect(await recordsOf(platform)).toHaveLength(1);
  expect(await listed(functions)).toEqual([]);
  expect(invoker.inFlight).toBe(0);
  await functions.underWay.cancel(
    'guest',
    ['e', 'f'].map((digit) => digit.repeat(32)),
  );
  const entries = (await platform.store.unsealed.read(100)).map(({ entry }) => entry);
  const cancelled = entries.filter(({ event }) => event === 'cancel-calls');
  expect(cancelled.map(({ name, summary }) => [name, summary])).toEqual([
    ...Array.from({ length: 3 }, () => [`/guest/${id}`, '1 call']),
    ['/guest', '2 calls'],
  ]);
});

test('an accepted call that waits is cancelled before it begins, and never runs', async () => {
  await using platform = await start();
  const { functions, invoker, store } = platform;
  const slot = Promise.withResolvers<void>();
  invoker.slot = slot.promise;
  const { activationId } = await call(platform, undefined);
  expect(await listed(functions)).toMatchObject([{ activationId, hasBegun: false }]);
  expect(await functions.underWay.cancel('guest', [activationId])).toMatchObject({ missing: [] });
  expect(await functions.activations.result('guest', activationId)).toMatchObject(says);
  await expect.poll(() => store.accepted.pending(1)).toEqual([]);
  slot.resolve();
  expect(invoker.jobs).toEqual([]);
  expect(await recordsOf(platform)).toHaveLength(1);
});

test('a sequence is cancelled with the part that runs, and gets no further parts', async () => {
  await using platform = await start();
  const { functions, invoker } = platform;
  const exec = { kind: 'sequence', components: ['/_/hello', '/_/hello'] };
  await functions.actions.put(ref('twice'), { exec }, false, platform.guest);
  hold(platform);
  const { activationId } = await call(platform, undefined, 'twice');
  await expect.poll(() => invoker.jobs.length).toBe(1);
  const calls = await listed(functions);
  expect(calls.map(({ path, cause }) => [path, cause])).toEqual([
    ['twice', null],
    ['hello', activationId],
  ]);
  await functions.underWay.cancel('guest', [activationId]);
  expect(await functions.activations.result('guest', activationId)).toMatchObject(says);
  await expect.poll(() => listed(functions)).toEqual([]);
  expect(invoker.jobs).toHaveLength(1);
  expect((await recordsOf(platform)).map(({ statusCode }) => statusCode)).toEqual([2, 2]);
});

test('a call that ends at the same moment is recorded once, as what it became', async () => {
  await using platform = await start();
  const { functions, invoker } = platform;
  const end = hold(platform);
  const { activationId } = await call(platform, undefined);
  await expect.poll(() => invoker.jobs.length).toBe(1);
  end.resolve(completion({ done: true }));
  await functions.underWay.cancel('guest', [activationId]);
  expect(await functions.activations.result('guest', activationId)).toMatchObject({ status: 'success' });
  expect(await recordsOf(platform)).toHaveLength(1);
});

test('nobody cancels what is not there, or not theirs', async () => {
  await using platform = await start();
  const { functions, invoker } = platform;
  const end = hold(platform);
  const { activationId } = await call(platform, undefined);
  await expect.poll(() => invoker.jobs.length).toBe(1);
  const unknown = newActivationId();
  expect(await functions.underWay.cancel('other', [activationId, unknown, unknown])).toEqual({
    ...{ cancelled: [], missing: [activationId, unknown] },
  });
  await expect(functions.underWay.cancel('guest', ['x'])).rejects.toMatchObject({
    code: 'ACTIVATION_ID_INVALID',
  });
  end.resolve(completion({ done: true }));
  await expect.poll(() => listed(functions)).toEqual([]);
  expect(await functions.activations.result('guest', activationId)).toMatchObject({ status: 'success' });
});

test('another server lists an accepted call, and has the one that runs it cancel it', async () => {
  let first: Functions | undefined;
  await using platform = await start({
    isAlone: false,
    cancelElsewhere: async (...of) => (await first?.ownCalls.cancel(...of)) === true,
  });
  first = platform.functions;
  hold(platform);
  const { activationId } = await call(platform, undefined);
  await expect.poll(() => platform.invoker.jobs.length).toBe(1);
  const second = await platform.restart();
  expect(await listed(second)).toMatchObject([{ activationId, path: 'hello', hasBegun: true }]);
  expect(await second.underWay.cancel('guest', [activationId])).toMatchObject({ missing: [] });
  await expect.poll(() => listed(second)).toEqual([]);
  expect(await second.activations.result('guest', activationId)).toMatchObject(says);
});
