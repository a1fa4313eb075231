/** Alarms when the clock is set back or forward, while Ward runs and while it is down. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Fault } from '../../lib/index.ts';
import { type FeedBench, startFeeds } from './feeds.fixture.ts';

const start = '2026-03-10T09:58:00Z';
const hourMs = 3_600_000;

type Setting = (bench: FeedBench, time: string) => void;
const settings: [string, Setting][] = [
  ['while Ward runs', (bench, time) => bench.jump(time)],
  [
    'while Ward is down',
    (bench, time) => {
      bench.jump(time);
      bench.restart();
    },
  ],
];

async function alarm(bench: FeedBench, kind: string, name: string, args: object): Promise<void> {
  await bench.addTrigger(name);
  expect(await bench.call(`alarms/${kind}`, 'CREATE', name, { ...args })).toEqual({ status: 'success' });
}

/** Fires at each of these times and returns the firings. */
async function firedBy(bench: FeedBench, ...times: string[]): Promise<string[]> {
  const fired = [];
  for (const time of times) fired.push(...(await bench.firedUntil(time)));
  return fired.toSorted();
}

describe.each(settings)('a clock that is set back %s', (_, setTo) => {
  test('by an hour does not silence crons and intervals', async () => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'alarm', 'cron', { cron: '*/10 * * * *' });
    await alarm(bench, 'interval', 'interval', { minutes: 10, startDate: '2026-03-10T10:05:00Z' });
    await firedBy(bench, '2026-03-10T11:00:00Z', '2026-03-10T11:05:00Z', '2026-03-10T11:09:00Z');
    setTo(bench, '2026-03-10T10:09:00Z');
    expect(await bench.firedUntil('2026-03-10T10:09:30Z')).toEqual([]);
    expect(
      await firedBy(bench, '2026-03-10T10:10:00Z', '2026-03-10T10:15:00Z', '2026-03-10T10:20:00Z'),
    ).toEqual(['cron 2026-03-10T10:10:00', 'cron 2026-03-10T10:20:00', 'interval 2026-03-10T10:15:00']);
  });

  test('by a year, to before their start dates, does not silence them either', async () => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'alarm', 'cron', { cron: '0 12 * * *', startDate: '2026-03-10T11:00:00Z' });
    await alarm(bench, 'interval', 'interval', { minutes: 60 });
    await firedBy(bench, '2026-03-10T09:58:30Z', '2026-03-10T12:00:00Z');
    setTo(bench, '2025-03-10T12:01:00Z');
    expect(await bench.firedUntil('2025-03-10T12:01:00Z')).toEqual([]);
    expect(
      await firedBy(bench, '2025-03-10T12:58:30Z', '2025-03-10T13:58:30Z', '2025-03-11T12:00:00Z'),
    ).toEqual([
      'cron 2025-03-11T12:00:00',
      'interval 2025-03-10T12:58:30',
      'interval 2025-03-10T13:58:30',
      'interval 2025-03-11T12:00:00',
    ]);
    bench.restart();
    expect(await firedBy(bench, '2025-03-11T12:00:00Z', '2025-03-12T12:00:00Z')).toEqual([
      'cron 2025-03-12T12:00:00',
      'interval 2025-03-12T12:00:00',
    ]);
  });

  test.each([
    ['a second and a half', '2026-03-10T10:00:00Z', '2026-03-10T09:59:58.500Z'],
    ['the time since an hour before it', '2026-03-10T10:40:00Z', '2026-03-10T09:59:00Z'],
  ])('does not fire the last date twice: %s', async (_by, at, to) => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'alarm', 't', { cron: '0 * * * *' });
    expect(await firedBy(bench, '2026-03-10T10:00:00Z', at)).toHaveLength(1);
    setTo(bench, to);
    expect(await firedBy(bench, to, '2026-03-10T10:00:00Z', '2026-03-10T10:59:59Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T11:00:00Z')).toEqual(['t 2026-03-10T11:00:00']);
  });

  test('fires a one-time alarm only once, and one that has not fired waits for its date', async () => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'once', 'early', { date: '2026-03-10T10:00:00Z' });
    await alarm(bench, 'once', 'late', { date: '2026-03-10T11:00:00Z' });
    await alarm(bench, 'interval', 'interval', { minutes: 1, startDate: '2026-03-10T11:30:00Z' });
    expect(await bench.firedUntil('2026-03-10T10:30:00Z')).toEqual(['early 2026-03-10T10:30:00']);
    setTo(bench, '2026-03-10T09:30:00Z');
    expect(await firedBy(bench, '2026-03-10T09:30:00Z', '2026-03-10T10:59:59Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T11:00:00Z')).toEqual(['late 2026-03-10T11:00:00']);
    expect(await bench.firedUntil('2026-03-10T11:30:00Z')).toEqual(['interval 2026-03-10T11:30:00']);
  });

  test('revives no ended alarm, and gives back no firings', async () => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'alarm', 'two', { cron: '* * * * *', maxTriggers: 2 });
    await alarm(bench, 'alarm', 'three', { cron: '* * * * *', maxTriggers: 3 });
    await alarm(bench, 'alarm', 'stopped', { cron: '* * * * *', stopDate: '2026-03-10T10:00:30Z' });
    await firedBy(bench, '2026-03-10T09:59:00Z', '2026-03-10T10:00:00Z');
    setTo(bench, '2026-03-10T09:00:30Z');
    expect(
      await firedBy(bench, '2026-03-10T09:00:30Z', '2026-03-10T09:01:00Z', '2026-03-10T09:02:00Z'),
    ).toEqual(['three 2026-03-10T09:01:00']);
  });

  test('retries a refused firing within a minute', async () => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'alarm', 't', { cron: '0 0 * * *' });
    bench.refuse = () => {
      throw new Fault('SHUTTING_DOWN', 'busy', 'The platform is shutting down.');
    };
    expect(await bench.firedUntil('2026-03-11T12:00:00Z')).toEqual([]);
    bench.refuse = () => {};
    setTo(bench, '2026-03-11T10:00:00Z');
    expect(await bench.firedUntil('2026-03-11T10:00:00Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-11T10:01:00Z')).toEqual(['t 2026-03-11T10:01:00']);
  });

  test('continues a paused alarm by the new time', async () => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'interval', 't', { minutes: 60, startDate: '2026-03-10T10:00:00Z' });
    expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toHaveLength(1);
    await bench.call('alarms/interval', 'PAUSE', 't');
    setTo(bench, '2026-03-10T08:30:00Z');
    expect(await bench.firedUntil('2026-03-10T09:00:00Z')).toEqual([]);
    await bench.call('alarms/interval', 'UNPAUSE', 't');
    // The date at 10:00 is the last one that fired.
    expect(await firedBy(bench, '2026-03-10T10:00:00Z', '2026-03-10T11:00:00Z')).toEqual([
      't 2026-03-10T11:00:00',
    ]);
  });

  test('reaches all alarms that can be read', async () => {
    await using bench = await startFeeds(start);
    const names = Array.from({ length: 70 }, (__, index) => `t${index}`);
    for (const name of names) await alarm(bench, 'alarm', name, { cron: '0 * * * *' });
    const row = await bench.store.feeds.get('guest', 't0');
    if (row === undefined) throw new Error('no row');
    await bench.store.feeds.put({ ...row, revision: 'x', document: { config: 'sundial' } }, row.revision);
    setTo(bench, '2026-03-09T09:58:00Z');
    await bench.firedUntil('2026-03-09T09:58:00Z');
    await bench.firedUntil('2026-03-09T10:00:00Z');
    expect(bench.fired.map(({ trigger }) => trigger).toSorted()).toEqual(names.slice(1).toSorted());
  });
});

describe.each(settings)('a clock that is set forward by a day %s', (_, setTo) => {
  test('makes up for missed dates once; after it is set back, alarms go on by the new time', async () => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'alarm', 'cron', { cron: '0 * * * *' });
    await alarm(bench, 'interval', 'interval', { minutes: 60, startDate: '2026-03-10T10:30:00Z' });
    await alarm(bench, 'once', 'once', { date: '2026-03-10T11:00:00Z' });
    setTo(bench, '2026-03-11T11:40:00Z');
    const made = await firedBy(bench, '2026-03-11T11:40:00Z', '2026-03-11T11:41:00Z');
    expect(made.map((line) => line.split(' ')[0])).toEqual(['cron', 'interval', 'once']);
    expect(await bench.firedUntil('2026-03-11T12:00:00Z')).toEqual(['cron 2026-03-11T12:00:00']);
    setTo(bench, '2026-03-10T12:00:00Z');
    expect(
      await firedBy(bench, '2026-03-10T12:00:00Z', '2026-03-10T12:30:00Z', '2026-03-10T13:00:00Z'),
    ).toEqual(['cron 2026-03-10T13:00:00', 'interval 2026-03-10T12:30:00']);
  });
});

test('an alarm gets a new date even if the store refuses a write or others change it at the same time', async () => {
  await using bench = await startFeeds(start);
  await alarm(bench, 'alarm', 't', { cron: '0 * * * *' });
  await bench.firedUntil('2026-03-10T09:58:00Z');
  bench.jump('2025-03-10T09:58:00Z');
  const put = vi.spyOn(bench.store.feeds, 'put');
  put.mockRejectedValueOnce(new Error('disk full')).mockResolvedValueOnce(false);
  await expect(bench.firedUntil('2025-03-10T09:58:00Z')).rejects.toThrow('disk full');
  expect(await bench.firedUntil('2025-03-10T09:59:00Z')).toEqual([]);
  expect(put).toHaveBeenCalledTimes(3);
  expect(await bench.firedUntil('2025-03-10T10:00:00Z')).toEqual(['t 2025-03-10T10:00:00']);
});

describe('the timer', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('detects within half a minute that the clock was set back', async () => {
    await using bench = await startFeeds(start);
    await alarm(bench, 'alarm', 't', { cron: '0 * * * *' });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.parse(start) });
    bench.feeds.start();
    await vi.advanceTimersByTimeAsync(0);
    while (vi.getTimerCount() === 0) await setImmediate();
    bench.jump('2025-03-10T09:58:00Z');
    vi.setSystemTime('2025-03-10T09:58:00Z');
    await vi.advanceTimersByTimeAsync(30_000);
    while (bench.jumps.length === 0) await setImmediate();
    while (vi.getTimerCount() === 0) await setImmediate();
    expect((await bench.store.feeds.get('guest', 't'))?.dueAt).toBe(Date.parse('2025-03-10T10:00:00Z'));
  });
});

test('each jump is reported once, with its size, and passing time is not a jump', async () => {
  await using bench = await startFeeds(start);
  await bench.firedUntil('2026-03-10T09:58:00Z');
  await bench.firedUntil('2026-03-10T10:00:00Z');
  bench.jump('2026-03-10T09:00:00Z');
  await bench.firedUntil('2026-03-10T09:00:00Z');
  await bench.firedUntil('2026-03-10T09:00:30Z');
  bench.jump('2026-03-11T09:00:30Z');
  await bench.firedUntil('2026-03-11T09:01:00Z');
  bench.jump('2026-03-11T09:00:59.500Z');
  await bench.firedUntil('2026-03-11T09:01:00Z');
  expect(bench.jumps).toEqual([-hourMs, 24 * hourMs]);
});

test('alarms keep their rows at a restart if the clock was not set', async () => {
  await using bench = await startFeeds(start);
  await alarm(bench, 'alarm', 't', { cron: '0 * * * *' });
  await bench.firedUntil('2026-03-10T10:00:00Z');
  const before = await bench.store.feeds.get('guest', 't');
  bench.restart();
  await bench.firedUntil('2026-03-10T10:30:00Z');
  expect(await bench.store.feeds.get('guest', 't')).toEqual(before);
});
