/** Calls whose invoker is lost or busy, or for which none is heard. */
import { expect, test, vi } from 'vitest';
import { Fault, silentLog } from '../../lib/index.ts';
import type { FunctionsOptions } from '../functions.ts';
import {
  completion,
  hello,
  type Platform,
  ref,
  scriptedInvoker,
  startPlatform,
} from '../platform.fixture.ts';

const lost = new Fault('INVOKER_LOST', 'unreachable', 'The activation was interrupted: node a had it.');
const unheard = new Fault('INVOKERS_UNREACHABLE', 'busy', 'no invoker is heard', { retryAfterMs: 1000 });

const unfit = new Fault('INVOKERS_UNFIT', 'busy', 'no invoker that is heard can run the action');
const closed = new Fault('INVOKER_CLOSED', 'busy', 'the platform is shutting down');
const cutOff = new Fault('INVOKER_CUT_OFF', 'busy', 'the node can’t get the code');
const busy = new Fault('INVOKER_BUSY', 'overloaded', 'System is overloaded, try again later.');
const allBusy = new Fault('INVOKERS_BUSY', 'overloaded', busy.message);

async function start(more: Partial<FunctionsOptions> = {}): Promise<Platform> {
  const platform = await startPlatform(more);
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  return platform;
}

function call({ functions, guest, authorization }: Platform, waitMs: number | undefined, name = 'hello') {
  const request = { identity: guest, action: ref(name), payload: {}, transactionId: 't1' };
  return functions.invocations.invoke({ ...request, waitMs, authorization });
}

test('a blocking call whose invoker is lost is answered and recorded as interrupted', async () => {
  await using platform = await start();
  platform.invoker.script = () => Promise.reject(lost);
  const { activationId, record } = await call(platform, 5000);
  expect(record).toMatchObject({ status: 'whisk internal error', isLost: true });
  await platform.store.activations.flush();
  expect(await platform.functions.activations.get('guest', activationId)).toMatchObject({
    response: { status: 'whisk internal error', result: { error: lost.message } },
    annotations: expect.arrayContaining([{ key: 'partialLog', value: 'lost' }]),
  });
});

test('an accepted call whose invoker is lost is recorded as interrupted, and leaves the queue', async () => {
  await using platform = await start();
  platform.invoker.script = () => Promise.reject(lost);
  const { activationId } = await call(platform, undefined);
  await expect.poll(() => platform.store.accepted.pending(1)).toEqual([]);
  expect(await platform.functions.activations.get('guest', activationId)).toMatchObject({
    response: { result: { error: lost.message } },
  });
  expect(platform.invoker.jobs).toHaveLength(1);
});

test.each([
  [1, { success: true, result: { done: true } }, 2],
  [2, { success: true, result: { done: true } }, 3],
  [3, { success: false, result: { error: lost.message } }, 3],
])(
  'one that may run again does so after %i losses, three times in all',
  async (losses, response, attempt) => {
    await using platform = await startPlatform();
    const annotations = [{ key: 'retry-on-restart', value: true }];
    await platform.functions.actions.put(ref('hello'), { ...hello, annotations }, false, platform.guest);
    let left = losses;
    platform.invoker.script = () => (left-- > 0 ? Promise.reject(lost) : completion({ done: true }));
    const { activationId } = await call(platform, undefined);
    await expect.poll(() => platform.store.accepted.pending(1), { timeout: 10_000 }).toEqual([]);
    expect(await platform.functions.activations.get('guest', activationId)).toMatchObject({
      annotations: expect.arrayContaining([{ key: 'attempt', value: attempt }]),
      response,
    });
    expect(platform.invoker.jobs).toHaveLength(attempt);
  },
);

test('a blocking call for which no invoker is heard is refused', async () => {
  await using platform = await start();
  platform.invoker.script = () => Promise.reject(unheard);
  await expect(call(platform, 5000)).rejects.toBe(unheard);
});

test.each([busy, allBusy])(
  'a blocking call without room is refused with $code, which is told once',
  async (fault) => {
    const told: Fault[] = [];
    await using platform = await start({ onOverload: (each) => told.push(each) });
    platform.invoker.script = () => Promise.reject(fault);
    await expect(call(platform, 5000)).rejects.toBe(fault);
    expect(told).toEqual([fault]);
    platform.invoker.script = () => Promise.reject(unheard);
    await expect(call(platform, 5000)).rejects.toBe(unheard);
    expect(told).toEqual([fault]);
  },
);

test.each([
  ['no invoker is heard', unheard, 'no node that runs calls was heard'],
  ['no invoker that is heard can run it', unfit, 'no node could run it'],
  ['a node says that it ends', closed, 'a node that was asked first could not take it'],
  ['invokers can’t get its code', cutOff, 'a node that was asked first could not take it'],
  ['the invoker has too much to do', busy, 'too many calls were waiting for a sandbox'],
  ['all invokers have too much to do', allBusy, 'all nodes had too much to do'],
])('an accepted call waits while %s, and is not told of as refused', async (_, trouble, waitReason) => {
  const told: Fault[] = [];
  await using platform = await start({ onOverload: (each) => told.push(each) });
  const { invoker } = platform;
  const run = invoker.run;
  let tries = 0;
  invoker.run = async (...job) => {
    if (tries++ === 0) throw trouble;
    return run(...job);
  };
  invoker.script = () => completion({ done: true });
  const { activationId } = await call(platform, undefined);
  await expect.poll(() => platform.store.accepted.pending(1)).toEqual([]);
  expect(await platform.functions.activations.get('guest', activationId)).toMatchObject({
    annotations: expect.arrayContaining([{ key: 'waitReason', value: waitReason }]),
    response: { success: true, result: { done: true } },
  });
  expect([tries, told]).toEqual([2, []]);
});

test.each([undefined, 1])(
  'the record of a call names no engine that was away, and the log does (wait: %s ms)',
  async (waitMs) => {
    using warn = vi.spyOn(silentLog, 'warn');
    await using platform = await start();
    const away = new Fault(
      'BLOB_STORE_UNREACHABLE',
      'busy',
      's3://bucket/ at store.internal does not answer',
    );
    const held = Promise.withResolvers<never>();
    held.promise.catch(() => {});
    platform.invoker.script = () => held.promise;
    const { activationId } = await call(platform, waitMs);
    held.reject(away);
    await expect.poll(() => platform.store.accepted.pending(1)).toEqual([]);
    const error = expect.stringMatching(/^The server does not reach its object store/);
    expect(await platform.functions.activations.get('guest', activationId)).toMatchObject({
      response: { success: false, result: { error } },
    });
    const logged = expect.objectContaining({ activationId, reason: away.message });
    expect(warn).toHaveBeenCalledWith(logged, 'a call could not run');
  },
);

test.each([
  ['no invoker can run', 20, () => Promise.reject(unfit)],
  ['no invoker can run, of more than a page,', 250, () => Promise.reject(unfit)],
  ['wait for their sandbox', 20, () => new Promise<never>(() => {})],
])('older calls that %s do not keep a server from the others that it takes over', async (_, older, wait) => {
  await using platform = await start();
  await platform.functions.actions.put(ref('young'), hello, false, platform.guest);
  platform.invoker.slot = new Promise(() => {});
  const { limits } = platform.guest;
  const guest = { ...platform.guest, limits: { ...limits, concurrentInvocations: older + 1 } };
  await Promise.all(Array.from({ length: older }, () => call({ ...platform, guest }, undefined)));
  const { activationId } = await call({ ...platform, guest }, undefined, 'young');
  const invoker = scriptedInvoker();
  const run = invoker.run;
  invoker.run = (job, ...more) => (job.action === '/guest/hello' ? wait() : run(job, ...more));
  const next = await platform.restart(invoker);
  expect(await next.invocations.resumeAccepted()).toEqual({ run: older + 1, interrupted: 0 });
  await platform.store.activations.flush();
  expect(await next.activations.get('guest', activationId)).toMatchObject({ response: { success: true } });
  expect((await platform.store.accepted.counts()).waiting).toBe(older);
  // They count as concurrent where they are now.
  expect(invoker.inFlight).toBe(older);
});

test('a call that waited for several reasons says the one that says most, not the first', async () => {
  await using platform = await start();
  const { invoker } = platform;
  const run = invoker.run;
  const troubles: Error[] = [busy, unfit];
  invoker.run = async (...job) => {
    const trouble = troubles.shift();
    if (trouble !== undefined) throw trouble;
    return run(...job);
  };
  invoker.script = () => completion({}, { waitReason: 'all its sandboxes were busy' });
  const { activationId } = await call(platform, undefined);
  await expect.poll(() => platform.store.accepted.pending(1), { timeout: 10_000 }).toEqual([]);
  expect(await platform.functions.activations.get('guest', activationId)).toMatchObject({
    annotations: expect.arrayContaining([{ key: 'waitReason', value: 'no node could run it' }]),
  });
});
