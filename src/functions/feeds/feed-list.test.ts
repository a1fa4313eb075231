/** The list of feeds: when they fire next, what they missed, and no secret for those who may not fire. */
import { expect, test } from 'vitest';
import { actAs } from '../../lib/index.ts';
import type { KeyScope } from '../namespaces/key-scopes.ts';
import { type FeedBench, refTo, startFeeds } from './feeds.fixture.ts';

const start = '2026-03-10T10:00:00Z';

async function listed(bench: FeedBench) {
  return bench.feeds.list.list(refTo('x').namespace, { skip: 0, limit: 10 });
}

test('has each feed with its next date', async () => {
  await using bench = await startFeeds(start);
  for (const name of ['daily', 'hook']) await bench.addTrigger(name);
  const secret = { trigger_payload: { token: 'secret of the payload' } };
  await bench.call('alarms/alarm', 'CREATE', 'daily', { cron: '0 12 * * *', maxTriggers: 3, ...secret });
  await bench.call('webhooks/webhook', 'CREATE', 'hook', { secret: 'a secret of some length' });
  await bench.call('webhooks/webhook', 'PAUSE', 'hook');
  const found = await listed(bench);
  expect(found).toEqual([
    {
      trigger: 'daily',
      feed: '/whisk.system/alarms/alarm',
      isActive: true,
      dateChanged: Date.parse(start),
      nextFire: Date.parse('2026-03-10T12:00:00Z'),
      triggersLeft: 3,
      alarm: { kind: 'alarm', cron: '0 12 * * *', maxTriggers: 3 },
    },
    {
      trigger: 'hook',
      feed: '/whisk.system/webhooks/webhook',
      isActive: false,
      reason: 'Paused',
      dateChanged: Date.parse(start),
      webhook: { signature: 'ward' },
    },
  ]);
  const daily = await bench.feeds.list.get(refTo('daily'), 'read');
  expect(daily.nextFires).toEqual([10, 11, 12].map((day) => Date.parse(`2026-03-${day}T12:00:00Z`)));
  expect(JSON.stringify(found)).not.toMatch(/secret of|https:/);
});

test('the URL of a webhook is for keys that may fire or change it, with an entry in the audit log', async () => {
  await using bench = await startFeeds(start);
  const hook = await bench.addTrigger('hook');
  await bench.call('webhooks/webhook', 'CREATE', 'hook');
  const readBy = (scope: KeyScope) =>
    actAs({ who: scope, from: 'here' }, async () => (await bench.feeds.list.get(hook, scope)).webhook?.url);
  const entries = async () =>
    (await bench.store.unsealed.read(100)).flatMap(({ entry }) =>
      entry['event'] === 'read-webhook' ? [[entry['name'], entry['actor']]] : [],
    );
  for (const scope of ['read', 'invoke', 'none'] as const) expect(await readBy(scope)).toBeUndefined();
  expect(await entries()).toEqual([]);
  const url = expect.stringMatching(/^https:\/\/ward\.example\/webhooks\/[\w-]{43}$/);
  for (const scope of ['admin', 'full', 'deploy'] as const) {
    expect(await readBy(scope)).toEqual(url);
    await readBy(scope);
  }
  await actAs({ who: 'caller', from: 'here' }, () => bench.call('webhooks/webhook', 'READ', 'hook'));
  const readers = ['admin', 'full', 'deploy', 'caller'];
  expect(await entries()).toEqual(readers.map((who) => ['/guest/hook', who]));
  await expect(bench.feeds.list.get(refTo('none'), 'full')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('says which dates came late', async () => {
  await using bench = await startFeeds(start);
  await bench.addTrigger('hourly');
  await bench.call('alarms/alarm', 'CREATE', 'hourly', { cron: '0 * * * *' });
  await bench.firedUntil('2026-03-10T11:00:00Z');
  expect((await listed(bench))[0]).not.toHaveProperty('missed');
  await bench.firedUntil('2026-03-10T15:30:00Z');
  const [date, at] = ['2026-03-10T12:00:00Z', '2026-03-10T15:30:00Z'].map(Date.parse);
  expect(await listed(bench)).toMatchObject([{ missed: { date, at, isMadeUp: true } }]);
});
