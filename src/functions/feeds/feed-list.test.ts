/** The list of feeds: when they fire next, what they missed, and no secret for those who may not fire. */
import { expect, test } from 'vitest';
import { type FeedBench, refTo, startFeeds } from './feeds.fixture.ts';

const start = '2026-03-10T10:00:00Z';

async function listed(bench: FeedBench, withUrls = true) {
  return bench.feeds.list.list(refTo('x').namespace, { skip: 0, limit: 10 }, { withUrls });
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
      webhook: {
        signature: 'ward',
        url: expect.stringMatching(/^https:\/\/ward\.example\/webhooks\/[\w-]{43}$/),
      },
    },
  ]);
  expect(JSON.stringify(found)).not.toMatch(/secret of/);
  expect(JSON.stringify(await listed(bench, false))).not.toContain('https:');
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
