/** Firing due alarms: each date once, despite restarts, refusals, races and invalid rows. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Fault, type JsonObject } from '../../lib/index.ts';
import { inTurns, runBounded } from './fair-batch.ts';
import { type FeedBench, startFeeds } from './feeds.fixture.ts';

const start = '2026-03-10T09:59:00Z';
const throttled = new Fault('TOO_MANY_PER_MINUTE', 'throttled', 'Too many requests in the last minute', {
  retryAfterMs: 40_000,
});

async function hourly(bench: FeedBench, ...names: string[]): Promise<void> {
  for (const name of names) {
    await bench.addTrigger(name);
    await bench.call('alarms/alarm', 'CREATE', name, { cron: '0 * * * *' });
  }
}

test('each date fires once, with the payload, in the name of the namespace and without a key', async () => {
  await using bench = await startFeeds(start);
  await bench.addTrigger('t');
  await bench.call('alarms/alarm', 'CREATE', 't', { cron: '*/30 * * * * *', trigger_payload: { n: 1 } });
  const requests: unknown[] = [];
  bench.refuse = (request) => void requests.push(request);
  expect(await bench.firedUntil('2026-03-10T09:59:29.999Z')).toEqual([]);
  expect(await bench.firedUntil('2026-03-10T09:59:30Z')).toEqual(['t 2026-03-10T09:59:30']);
  expect(await bench.firedUntil('2026-03-10T09:59:59Z')).toEqual([]);
  expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual(['t 2026-03-10T10:00:00']);
  expect(requests[0]).toEqual({
    identity: expect.objectContaining({ namespace: 'guest', scope: 'full' }),
    trigger: { namespace: 'guest', name: 't' },
    payload: { n: 1 },
    transactionId: expect.stringMatching(/^[0-9a-f]{32}$/),
    authorization: undefined,
  });
});

describe('after a restart', () => {
  test('alarms go on, and missed dates are made up for once', async () => {
    await using bench = await startFeeds(start);
    await hourly(bench, 't');
    await bench.addTrigger('o');
    await bench.call('alarms/once', 'CREATE', 'o', { date: '2026-03-10T10:30:00Z' });
    bench.restart();
    expect((await bench.firedUntil('2026-03-10T15:10:00Z')).toSorted()).toEqual([
      'o 2026-03-10T15:10:00',
      't 2026-03-10T15:10:00',
    ]);
    expect(await bench.firedUntil('2026-03-10T16:00:00Z')).toEqual(['t 2026-03-10T16:00:00']);
  });

  test('dates that were missed for too long are skipped', async () => {
    await using bench = await startFeeds(start, { graceMs: 60_000 });
    await hourly(bench, 't');
    bench.restart();
    expect(await bench.firedUntil('2026-03-10T15:01:01Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T16:01:00Z')).toEqual(['t 2026-03-10T16:01:00']);
  });

  test('nothing fires twice after the clock was set back', async () => {
    await using bench = await startFeeds(start);
    await hourly(bench, 't');
    expect(await bench.firedUntil('2026-03-10T12:00:00Z')).toHaveLength(1);
    bench.restart();
    expect(await bench.firedUntil('2026-03-10T11:00:00Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T12:59:00Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T13:00:00Z')).toHaveLength(1);
  });
});

test('a date is fired although the answer of the database to the claim was lost', async () => {
  await using bench = await startFeeds(start);
  await hourly(bench, 't');
  const { put } = bench.store.feeds;
  vi.spyOn(bench.store.feeds, 'put').mockImplementationOnce(async (...row) => {
    await put(...row);
    throw new Fault('STORE_ANSWER_LOST', 'busy', 'the connection ended before its answer');
  });
  expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual(['t 2026-03-10T10:00:00']);
  expect(await bench.firedUntil('2026-03-10T11:00:00Z')).toEqual(['t 2026-03-10T11:00:00']);
});

test('two processes with the same rows fire each date once', async () => {
  await using bench = await startFeeds(start);
  const names = Array.from({ length: 40 }, (_, index) => `t${index}`);
  await hourly(bench, ...names);
  const first = bench.feeds;
  bench.restart();
  bench.set('2026-03-10T10:00:00Z');
  await Promise.all([first.fireDue(), bench.feeds.fireDue()]);
  expect(bench.fired.map(({ trigger }) => trigger).toSorted()).toEqual(names.toSorted());
});

describe('a firing that is refused', () => {
  test('because the namespace has fired too often is retried when it may, once for all missed dates', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/alarm', 'CREATE', 't', { cron: '*/10 * * * * *', maxTriggers: 2 });
    bench.refuse = () => {
      throw throttled;
    };
    expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual([]);
    bench.refuse = () => {};
    expect(await bench.firedUntil('2026-03-10T10:00:39Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T10:00:40Z')).toEqual(['t 2026-03-10T10:00:40']);
    expect(await bench.firedUntil('2026-03-10T10:00:50Z')).toHaveLength(1);
    expect(await bench.call('alarms/alarm', 'READ', 't')).toMatchObject({ status: { triggersLeft: 0 } });
  });

  test('delays the namespace’s other alarms without trying them, and no others', async () => {
    await using bench = await startFeeds(start);
    const names = Array.from({ length: 60 }, (_, index) => `t${index}`);
    await hourly(bench, ...names);
    await bench.namespaces.create('other');
    const other = await bench.namespaces.identityOf('other');
    if (other === undefined) throw new Error('no namespace');
    await bench.addTrigger('z', 'other');
    const args = { lifecycleEvent: 'CREATE', triggerName: 'z', cron: '0 * * * *' };
    await bench.callAs(other, 'alarms/alarm', args);
    let asked = 0;
    bench.refuse = ({ identity }) => {
      if (identity.namespace !== 'guest') return;
      asked++;
      throw throttled;
    };
    expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual(['z 2026-03-10T10:00:00']);
    expect(asked).toBeLessThan(names.length / 2);
    bench.refuse = () => {};
    expect(await bench.firedUntil('2026-03-10T10:00:40Z')).toHaveLength(names.length);
  });

  test('because Ward is busy is retried, also if it is the only date, and before its trigger is deleted', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/once', 'CREATE', 't', { date: '2026-03-10T10:00:00Z', deleteAfterFire: true });
    bench.refuse = () => {
      throw new Fault('SHUTTING_DOWN', 'busy', 'The platform is shutting down.');
    };
    expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual([]);
    expect(await bench.hasEntity('t')).toBe(true);
    bench.refuse = () => {};
    bench.restart();
    expect(await bench.firedUntil('2026-03-10T10:00:05Z')).toEqual(['t 2026-03-10T10:00:05']);
    expect(await bench.hasEntity('t')).toBe(false);
  });

  test('because the trigger no longer exists removes the alarm', async () => {
    await using bench = await startFeeds(start);
    await hourly(bench, 't', 'u');
    const row = await bench.store.entities.get('guest', 't');
    await bench.store.entities.delete('guest', 't', row?.revision ?? '');
    expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual(['u 2026-03-10T10:00:00']);
    expect(await bench.store.feeds.get('guest', 't')).toBeUndefined();
  });

  test('because of a platform error is lost, and the alarm goes on; one that fires once says so', async () => {
    await using bench = await startFeeds(start);
    await hourly(bench, 't');
    await bench.addTrigger('o');
    await bench.call('alarms/once', 'CREATE', 'o', { date: '2026-03-10T10:00:00Z' });
    bench.refuse = () => {
      throw new Error('wires crossed');
    };
    expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual([]);
    bench.refuse = () => {};
    expect(await bench.firedUntil('2026-03-10T11:00:00Z')).toEqual(['t 2026-03-10T11:00:00']);
    expect(await bench.call('alarms/once', 'READ', 'o')).toMatchObject({
      status: { active: false, reason: { message: expect.stringContaining('could not be fired') } },
    });
  });
});

describe('after an alarm that fires once', () => {
  const deletions = async (deleteAfterFire: string | boolean) => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.addTrigger('other');
    await bench.addRule('r', 't');
    await bench.addRule('s', 't');
    await bench.addRule('x', 'other');
    await bench.call('alarms/once', 'CREATE', 't', { date: '2026-03-10T10:00:00Z', deleteAfterFire });
    expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toHaveLength(1);
    const left = [];
    for (const name of ['t', 'r', 's', 'other', 'x']) if (await bench.hasEntity(name)) left.push(name);
    return { left, hasFeed: (await bench.store.feeds.get('guest', 't')) !== undefined };
  };

  test('everything stays', async () => {
    expect(await deletions(false)).toEqual({ left: ['t', 'r', 's', 'other', 'x'], hasFeed: true });
  });

  test('the trigger is deleted, if requested', async () => {
    expect(await deletions('true')).toEqual({ left: ['r', 's', 'other', 'x'], hasFeed: false });
  });

  test('its rules are deleted as well, if requested', async () => {
    expect(await deletions(' Rules')).toEqual({ left: ['other', 'x'], hasFeed: false });
  });
});

test.each<[string, (document: JsonObject) => JsonObject]>([
  ['of an unknown kind', (document) => ({ ...document, config: { kind: 'sundial' } })],
  ['with a broken pattern', (document) => ({ ...document, config: { kind: 'alarm', cron: '1 2 3' } })],
  [
    'that is due but has no date',
    (document) => ({ ...document, state: { ...Object(document['state']), date: null } }),
  ],
])('an alarm %s is left alone, and does not stop others', async (_, damage) => {
  await using bench = await startFeeds(start);
  await hourly(bench, 't', 'u');
  const row = await bench.store.feeds.get('guest', 't');
  if (row === undefined) throw new Error('no row');
  await bench.store.feeds.put({ ...row, revision: 'x', document: damage(row.document) }, row.revision);
  expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual(['u 2026-03-10T10:00:00']);
  await bench.call('alarms/alarm', 'CREATE', 't', { cron: '0 * * * *' });
  expect(await bench.firedUntil('2026-03-10T11:00:00Z')).toHaveLength(2);
});

test('a payload that was swapped with another alarm’s is not fired', async () => {
  await using bench = await startFeeds(start);
  await hourly(bench, 't', 'u');
  const [mine, others] = [
    await bench.store.feeds.get('guest', 't'),
    await bench.store.feeds.get('guest', 'u'),
  ];
  if (mine === undefined || others === undefined) throw new Error('no row');
  const document = { ...mine.document, payload: others.document['payload'] };
  await bench.store.feeds.put({ ...mine, revision: 'x', document }, mine.revision);
  expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toEqual(['u 2026-03-10T10:00:00']);
});

test('a change of a feed waits for its firing', async () => {
  await using bench = await startFeeds(start);
  await hourly(bench, 't');
  bench.set('2026-03-10T10:00:00Z');
  const firing = bench.feeds.fireDue();
  const changes = Array.from({ length: 20 }, (_, n) =>
    bench.call('alarms/alarm', 'UPDATE', 't', { trigger_payload: { n } }),
  );
  await Promise.all([firing, ...changes]);
  expect(bench.fired).toHaveLength(1);
  expect(await bench.call('alarms/alarm', 'READ', 't')).toMatchObject({ config: { payload: { n: 19 } } });
});

test('alarms end with their namespace', async () => {
  await using bench = await startFeeds(start);
  await hourly(bench, 't');
  await bench.namespaces.delete('guest');
  await bench.namespaces.create('guest');
  expect(await bench.firedUntil('2026-03-10T12:00:00Z')).toEqual([]);
});

describe('a batch', () => {
  test('lets namespaces take turns', () => {
    const of = (namespace: string, n: number) => ({ namespace, n });
    expect(inTurns([of('a', 1), of('a', 2), of('a', 3), of('b', 1), of('c', 1), of('b', 2)])).toEqual([
      of('a', 1),
      of('b', 1),
      of('c', 1),
      of('a', 2),
      of('b', 2),
      of('a', 3),
    ]);
    expect(inTurns([])).toEqual([]);
  });

  test('is processed to the end with bounded concurrency', async () => {
    let [active, most, done] = [0, 0, 0];
    await runBounded(Array.from({ length: 20 }), 3, async () => {
      most = Math.max(most, ++active);
      await setImmediate();
      active--;
      done++;
    });
    expect({ most, done }).toEqual({ most: 3, done: 20 });
  });
});

describe('the clock', () => {
  afterEach(() => {
    vi.useRealTimers();
  });
  const until = async (holds: () => boolean) => {
    while (!holds()) await setImmediate();
  };

  const set = (bench: FeedBench, time: string) => {
    bench.set(time);
    vi.setSystemTime(time);
  };

  test('fires dates that are due at its start, and those that become due', async () => {
    await using bench = await startFeeds(start);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.parse(start) });
    await hourly(bench, 't');
    set(bench, '2026-03-10T10:00:00Z');
    bench.feeds.start();
    await vi.advanceTimersByTimeAsync(0);
    await until(() => bench.fired.length === 1 && vi.getTimerCount() > 0);
    await bench.addTrigger('soon');
    await bench.call('alarms/once', 'CREATE', 'soon', { date: '2026-03-10T10:00:02Z' });
    bench.set('2026-03-10T10:00:02Z');
    await vi.advanceTimersByTimeAsync(1999);
    expect(bench.fired).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    await until(() => bench.fired.length === 2);
    expect(bench.fired[1]).toMatchObject({ trigger: 'soon' });
  });

  test('looks every half minute, whatever the time was before', async () => {
    await using bench = await startFeeds(start);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.parse(start) });
    await bench.addTrigger('far');
    await bench.call('alarms/once', 'CREATE', 'far', { date: '2036-01-01' });
    bench.feeds.start();
    await vi.advanceTimersByTimeAsync(0);
    await until(() => vi.getTimerCount() > 0);
    bench.set('2036-01-01T00:00:05Z');
    await vi.advanceTimersByTimeAsync(30_000);
    await until(() => bench.fired.length === 1);
  });

  test('lets current firings end, and leaves the rest for the next start', async () => {
    await using bench = await startFeeds(start);
    const names = Array.from({ length: 100 }, (_, index) => `t${index}`);
    await hourly(bench, ...names);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.parse(start) });
    set(bench, '2026-03-10T10:00:00Z');
    bench.feeds.start();
    await vi.advanceTimersByTimeAsync(0);
    await until(() => bench.fired.length > 0);
    await bench.feeds.close();
    const before = bench.fired.length;
    expect(before).toBeLessThan(names.length);
    bench.restart();
    await bench.feeds.fireDue();
    expect(bench.fired.map(({ trigger }) => trigger).toSorted()).toEqual(names.toSorted());
  });

  test('fires nothing after its end', async () => {
    await using bench = await startFeeds(start);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.parse(start) });
    bench.feeds.start();
    await bench.feeds.close();
    await hourly(bench, 't');
    bench.set('2026-03-10T10:00:00Z');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(bench.fired).toEqual([]);
  });
});
