import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openBlobStore } from '../../blobs/index.ts';
import { newActivationId, silentLog } from '../../lib/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { createCodeStore } from '../actions/code-store.ts';
import { createCodeSweep } from '../actions/code-sweep.ts';
import { defaultLimits } from '../limits.ts';
import { Namespaces } from './namespaces.ts';
import { createRetention, type Retention, type RetentionOptions } from './retention.ts';

const dayMs = 24 * 60 * 60 * 1000;
const now = 1_000 * dayMs;
const forEver = { maxAgeDays: 0, maxRecordsPerNamespace: 0 };

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'ward-retention-'));
  const store = await openStore({ path: join(folder, 'data', 'ward.db') });
  const namespaces = new Namespaces(store, defaultLimits);
  await namespaces.create('guest');
  await namespaces.create('other');
  const retentions: Retention[] = [];
  return {
    folder,
    store,
    namespaces,
    retention(config: Partial<RetentionOptions['config']>, more: Partial<RetentionOptions> = {}) {
      const retention = createRetention({
        store,
        config: { ...forEver, everyMinutes: 1440, ...config },
        sweepCode: async () => 0,
        log: silentLog,
        now: () => now,
        ...more,
      });
      retentions.push(retention);
      return retention;
    },
    /** Ages of a namespace's records in days, newest first. */
    async ages(namespace = 'guest') {
      const rows = await store.activations.list({ namespace, skip: 0, limit: 10_000 });
      return rows.map(({ start: startedAt }) => (now - startedAt) / dayMs);
    },
    async [Symbol.asyncDispose]() {
      for (const each of retentions) await each.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Appends records that started this many days ago. */
async function append(store: Store, daysAgo: readonly number[], namespace = 'guest'): Promise<void> {
  const writes = daysAgo.map((days) => {
    const startedAt = now - days * dayMs;
    return store.activations.append({
      row: {
        activationId: newActivationId(),
        namespace,
        name: 'a',
        path: 'a',
        start: startedAt,
        end: startedAt,
        statusCode: 0,
        documentJson: '{}',
        responseJson: null,
        usage: null,
      },
      logs: ['a line'],
      settles: null,
    });
  });
  await Promise.all(writes);
}

describe('a sweep', () => {
  test('removes records that are too old, in every namespace', async () => {
    await using at = await start();
    await append(at.store, [0, 6.9, 7.1, 30]);
    await append(at.store, [1, 8], 'other');
    expect(await at.retention({ maxAgeDays: 7 }).sweep()).toBe(3);
    expect(await at.ages()).toEqual([0, 6.9]);
    expect(await at.ages('other')).toEqual([1]);
  });

  test('forgets slots of calls that no window shows any more', async () => {
    await using at = await start();
    const usage = { mibMs: 1, isCold: false, sentBytes: 0, receivedBytes: 0 };
    for (const hoursAgo of [0, 1, 49]) {
      const startedAt = now - hoursAgo * 3_600_000;
      const ended = { activationId: newActivationId(), namespace: 'guest', path: 'a', start: startedAt };
      await at.store.activations.addUnrecorded({ ...ended, end: null, statusCode: 0, usage, settles: null });
    }
    await at.retention({}).sweep();
    const kept = ([60, 5, 1] as const).map((minutes) =>
      at.store.usageSlots.count({ minutes, since: 0, until: now }),
    );
    expect(await Promise.all(kept)).toEqual([2, 2, 1]);
  });

  test('removes the oldest records if there are too many', async () => {
    await using at = await start();
    await append(at.store, [5, 1, 3, 2, 4]);
    expect(await at.retention({ maxRecordsPerNamespace: 2 }).sweep()).toBe(3);
    expect(await at.ages()).toEqual([1, 2]);
  });

  test('takes as many steps as it needs', async () => {
    await using at = await start();
    await append(
      at.store,
      Array.from({ length: 1300 }, () => 9),
    );
    await append(at.store, [1]);
    expect(await at.retention({ maxAgeDays: 7 }).sweep()).toBe(1300);
    expect(await at.ages()).toEqual([1]);
  });

  test('removes nothing without limits', async () => {
    await using at = await start();
    await append(at.store, [1, 900]);
    expect(await at.retention({}).sweep()).toBe(0);
    expect(await at.ages()).toHaveLength(2);
  });

  test('follows a namespace’s own limits where they are set', async () => {
    await using at = await start();
    await at.namespaces.setLimits('guest', { retentionMaxAgeDays: 2.5 });
    await at.namespaces.setLimits('other', { retentionMaxAgeDays: 0, retentionMaxRecords: 3 });
    await append(at.store, [1, 3, 30]);
    await append(at.store, [1, 3, 30, 31], 'other');
    await at.retention({ maxAgeDays: 7, maxRecordsPerNamespace: 1 }).sweep();
    expect(await at.ages()).toEqual([1]);
    expect(await at.ages('other')).toEqual([1, 3, 30]);
  });

  test('continues if one namespace cannot be read', async () => {
    await using at = await start();
    const row = await at.store.namespaces.byName('guest');
    if (row !== undefined) await at.store.namespaces.update({ ...row, limits: { firesPerMinute: 'x' } }, row);
    await append(at.store, [8]);
    await append(at.store, [8], 'other');
    expect(await at.retention({ maxAgeDays: 7 }).sweep()).toBe(1);
    expect(await at.ages('other')).toEqual([]);
  });

  test('is repeated automatically, even after a failure', async () => {
    await using at = await start();
    const done = Promise.withResolvers<void>();
    let sweeps = 0;
    const retention = at.retention(
      { everyMinutes: 0.0001 },
      {
        sweepCode: async () => {
          sweeps++;
          if (sweeps === 1) throw new Error('once');
          if (sweeps === 3) done.resolve();
          return 0;
        },
      },
    );
    retention.start();
    await done.promise;
    await retention.close();
    expect(sweeps).toBeGreaterThanOrEqual(3);
  });

  test('ends after its current step when closed', async () => {
    await using at = await start();
    let steps = 0;
    const reached = Promise.withResolvers<void>();
    const activations: Store['activations'] = {
      ...at.store.activations,
      prune: async () => {
        steps++;
        reached.resolve();
        return 1;
      },
    };
    const store = { ...at.store, activations };
    const retention = at.retention({ maxAgeDays: 7, everyMinutes: 0.0001 }, { store });
    retention.start();
    await reached.promise;
    await retention.close();
    const before = steps;
    await new Promise((resolve) => setImmediate(resolve));
    expect(steps).toBe(before);
  });
});

test('of several servers, the one with the lease deletes records, and each one sweeps its own code', async () => {
  await using at = await start();
  await append(at.store, [1, 8]);
  let sweeps = 0;
  const sweepCode = async () => ++sweeps;
  const take = async (holder: string) => at.store.leases.take({ name: 'retention', holder, ms: 60_000 });
  const lease = await take('a');
  if (lease === undefined) throw new Error('no lease');
  const turn = async () => at.store.under(lease).activations;
  const without = at.retention({ maxAgeDays: 7 }, { sweepCode, turn: async () => undefined });
  expect([await without.sweep(), sweeps]).toEqual([0, 1]);
  // Another server took over while this one slept.
  await at.store.leases.drop(lease);
  const next = await take('b');
  const asleep = at.retention({ maxAgeDays: 7 }, { sweepCode, turn });
  expect([await asleep.sweep(), sweeps, await at.ages()]).toEqual([0, 2, [1, 8]]);
  const { activations } = at.store.under(next ?? lease);
  const holder = at.retention({ maxAgeDays: 7 }, { sweepCode, turn: async () => activations });
  expect([await holder.sweep(), sweeps, await at.ages()]).toEqual([1, 3, [1]]);
});

test('code that no entity names for an hour is removed, and code that one names or a call needs is kept', async () => {
  await using at = await start();
  const blobs = openBlobStore(join(at.folder, 'code'));
  const { entities, accepted } = at.store;
  const code = createCodeStore(blobs, at.store, silentLog);
  const [named, unnamed] = await Promise.all([blobs.put(Buffer.from('a')), blobs.put(Buffer.from('b'))]);
  await entities.put(
    {
      namespace: 'guest',
      path: 'a',
      collection: 'actions',
      revision: 'r',
      updatedAt: 1,
      codeDigest: named,
      link: null,
      shared: false,
      document: {},
    },
    null,
  );
  const awaited = await blobs.put(Buffer.from('c'));
  const call = { activationId: newActivationId(), namespace: 'guest', acceptedAt: 1, owner: 'a', job: {} };
  await accepted.accept({ ...call, codeDigest: awaited });
  const clock = { at: 0 };
  const sweep = createCodeSweep({
    ...{ blobs, entities, accepted },
    drop: code.drop,
    graceMs: 3_600_000,
    now: () => clock.at,
  });
  expect(await sweep()).toBe(0);
  clock.at = 3_599_999;
  expect(await sweep()).toBe(0);
  expect(await blobs.has(unnamed)).toBe(true);
  clock.at = 3_600_000;
  expect(await sweep()).toBe(1);
  expect([await blobs.has(named), await blobs.has(unnamed)]).toEqual([true, false]);
  expect([await blobs.has(awaited), await sweep()]).toEqual([true, 0]);
  await accepted.settle(call.activationId, 0);
  expect(await sweep()).toBe(0);
  clock.at += 3_600_000;
  expect([await sweep(), await blobs.has(awaited)]).toEqual([1, false]);
});
