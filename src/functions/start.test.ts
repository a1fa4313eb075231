/** A start while calls of an earlier run are left over. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { hello, ref, scriptedInvoker, startPlatform } from './platform.fixture.ts';

test('does not wait for calls that were left over; a stop leaves those that wait to the next start', async () => {
  await using platform = await startPlatform();
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  platform.invoker.slot = new Promise(() => {});
  const call = () =>
    platform.functions.invocations.invoke({
      identity: platform.guest,
      action: ref('hello'),
      payload: {},
      waitMs: undefined,
      transactionId: 't1',
      authorization: undefined,
    });
  await Promise.all([call(), call(), call()]);
  const next = await platform.restart();
  // No patience ends in this test.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  await next.start();
  await expect.poll(() => platform.invoker.waiting).toBe(6);
  await next.close(60_000);
  vi.useRealTimers();
  expect((await platform.store.accepted.counts()).waiting).toBe(3);
  const last = await platform.restart(scriptedInvoker());
  expect(await last.invocations.resumeAccepted()).toEqual({ run: 3, interrupted: 0 });
});

test('code of an action that is deleted stays for the calls that an earlier server has accepted', async () => {
  await using platform = await startPlatform();
  const { guest } = platform;
  await platform.functions.actions.put(ref('hello'), hello, false, guest);
  platform.invoker.slot = new Promise(() => {});
  await platform.functions.invocations.invoke({
    identity: guest,
    action: ref('hello'),
    payload: {},
    waitMs: undefined,
    transactionId: 't1',
    authorization: undefined,
  });
  const next = await platform.restart(scriptedInvoker());
  await next.actions.delete(ref('hello'));
  const codes = () => Array.fromAsync(platform.blobs.list());
  expect(await codes()).toHaveLength(1);
  expect(await next.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 0 });
  await expect.poll(() => platform.store.accepted.pending(1)).toEqual([]);
  await next.actions.put(ref('hello'), hello, false, guest);
  await next.actions.delete(ref('hello'));
  await expect.poll(codes).toEqual([]);
});
