/** Records within their quota: the oldest are deleted, recent ones stay, and then calls are refused. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import {
  completion,
  hello,
  type Platform,
  ref,
  scriptedInvoker,
  startPlatform,
} from '../platform.fixture.ts';
import { createRecordQuota, type RecordQuota } from './record-quota.ts';

const kibibyte = 1024;
const limits = {
  ...{ invocationsPerMinute: 100, concurrentInvocations: 100, firesPerMinute: 100 },
  recordQuotaBytes: 100 * kibibyte,
};
const day = 24 * 60 * 60_000;
const seen = { evicted: 0, refused: 0 };
let platform: Platform;
let quota: RecordQuota;

beforeEach(async () => {
  platform = await startPlatform();
  quota = quotaWith(5 * 60_000);
  Object.assign(seen, { evicted: 0, refused: 0 });
});
afterEach(async () => {
  await quota.close();
  await platform[Symbol.asyncDispose]();
});

function quotaWith(graceMs: number): RecordQuota {
  const { activations } = platform.store;
  return createRecordQuota({
    ...{ activations, graceMs, log: silentLog },
    watch: {
      evicted(records) {
        seen.evicted += records;
      },
      refused() {
        seen.refused++;
      },
      lost() {},
    },
  });
}

/** Appends records of 10 KiB. */
async function append(count: number, end = Date.now() - day, namespace = 'guest') {
  const rows = Array.from({ length: count }, (_, index) => ({
    ...{ activationId: crypto.randomUUID().replaceAll('-', ''), namespace, name: 'a', path: 'a' },
    ...{ start: end - index, end: end - index, statusCode: 0, documentJson: '{}', responseJson: null },
    usage: null,
  }));
  const logs = ['x'.repeat(9 * kibibyte - 6)];
  await Promise.all(rows.map((row) => quota.activations.append({ row, logs, settles: null })));
}

const held = async (namespace = 'guest') => (await platform.store.holdings.get(namespace))?.recordBytes;
const guard = () => quota.guard(scriptedInvoker());
const admit = () => guard().admit('guest', limits);

/** Waits until the account knows what is held, as after a first call. */
async function known() {
  admit();
  await quota.enforce('guest', limits);
}

test('the oldest are deleted as soon as all are too large, down to a little less than the quota', async () => {
  await known();
  await append(30);
  await expect.poll(() => held()).toBe(90 * kibibyte);
  await quota.close();
  expect(seen).toEqual({ evicted: 21, refused: 0 });
});

test('recent ones are not deleted: calls and firings are refused instead', async () => {
  await known();
  await append(5);
  await append(12, Date.now());
  await expect.poll(() => held()).toBe(120 * kibibyte);
  await quota.enforce('guest', limits);
  const refusal = expect.objectContaining({
    code: 'RECORDS_FULL',
    kind: 'throttled',
    retryAfterMs: 5000,
    message: expect.stringContaining('take 120 KiB of the 100 KiB that they may take'),
    details: { quota: 'records', used: 120 * kibibyte, limit: 100 * kibibyte },
  });
  expect(admit).toThrow(refusal);
  expect(() => guard().admitFire('guest', limits)).toThrow(refusal);
  expect(seen).toEqual({ evicted: 5, refused: 2 });
  const wider = { ...limits, recordQuotaBytes: 200 * kibibyte };
  expect(() => guard().admit('guest', wider)).not.toThrow();
  const keepsNone = { ...limits, storeActivations: false };
  expect(() => guard().admit('guest', keepsNone)).not.toThrow();
  expect(() => guard().admit('other', limits)).not.toThrow();
});

test('calls are admitted again when records have become old enough', async () => {
  quota = quotaWith(500);
  await known();
  await append(12, Date.now());
  await quota.enforce('guest', limits);
  expect(admit).toThrow(expect.objectContaining({ code: 'RECORDS_FULL' }));
  await vi.waitFor(async () => {
    await quota.enforce('guest', limits);
    expect(admit).not.toThrow();
  }, 60_000);
  expect(await held()).toBe(90 * kibibyte);
});

test('after a restart, the first call finds the stored records', async () => {
  await append(30);
  expect(await held()).toBe(300 * kibibyte);
  quota = quotaWith(0);
  expect(admit).not.toThrow();
  await expect.poll(() => held()).toBe(90 * kibibyte);
});

test('no other namespace is affected', async () => {
  await platform.functions.namespaces.create('other');
  await append(15, undefined, 'other');
  await known();
  await append(30);
  await expect.poll(() => held()).toBe(90 * kibibyte);
  expect(await held('other')).toBe(150 * kibibyte);
});

test('an accepted call’s record is stored, even if the quota is full by then', async () => {
  const { functions, invoker, guest, store } = platform;
  await functions.namespaces.setLimits('guest', { recordQuotaBytes: 3 * kibibyte });
  functions.namespaces.forget();
  const identity = (await functions.namespaces.identityOf('guest')) ?? guest;
  await functions.actions.put(ref('hello'), hello, true, guest);
  invoker.script = async () => {
    await sleep(50);
    return completion('x'.repeat(2000));
  };
  const call = () =>
    functions.invocations.invoke({
      ...{ identity, action: ref('hello'), payload: {}, waitMs: undefined },
      ...{ transactionId: 't', authorization: undefined },
    });
  const accepted = await Promise.all([call(), call(), call()]);
  for (const { activationId } of accepted) {
    await expect.poll(() => store.activations.get('guest', activationId)).toBeDefined();
  }
  await functions.quotas.enforce();
  await expect(call()).rejects.toMatchObject({ code: 'RECORDS_FULL' });
  expect((await store.holdings.get('guest'))?.records).toBe(3);
  expect(await store.accepted.pending(9)).toEqual([]);
});
