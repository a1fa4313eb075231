import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { openLeftBehind } from './left-behind.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function failing(times: number) {
  return vi.fn(async () => {
    if (times-- > 0) throw new Error('busy');
  });
}

test('the removal is tried again, ever more rarely, until it succeeds', async () => {
  const counts: number[] = [];
  await using left = openLeftBehind({ log: silentLog, onCount: (count) => counts.push(count) });
  const remove = failing(2);
  left.add('one', remove);
  for (const [waitMs, calls] of [
    [999, 0],
    [1, 1],
    [1999, 1],
    [1, 2],
    [3999, 2],
    [1, 3],
    [600_000, 3],
  ] as const) {
    await vi.advanceTimersByTimeAsync(waitMs);
    expect(remove).toHaveBeenCalledTimes(calls);
  }
  expect(counts).toEqual([1, 0]);
});

test('it is tried every minute until it succeeds', async () => {
  await using left = openLeftBehind({ log: silentLog });
  const remove = failing(1000);
  left.add('one', remove);
  await vi.advanceTimersByTimeAsync(600_000);
  const before = remove.mock.calls.length;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(remove.mock.calls.length - before).toBe(10);
});

test('each is tried once more at the end, and never again', async () => {
  const left = openLeftBehind({ log: silentLog });
  const [good, bad] = [failing(0), failing(10)];
  left.add('good', good);
  left.add('bad', bad);
  await left[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(600_000);
  expect([good.mock.calls.length, bad.mock.calls.length]).toEqual([1, 1]);
});
