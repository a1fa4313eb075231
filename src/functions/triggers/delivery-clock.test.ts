import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { startDueClock } from './delivery-clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A clock with work due at these times; its work does what is due. */
function start(due: number[]) {
  const done: number[] = [];
  const state = { failures: 0, due, done };
  const clock = startDueClock({
    work: async () => {
      if (state.failures-- > 0) throw new Error('broken');
      const now = due.filter((at) => at <= Date.now());
      for (const at of now) due.splice(due.indexOf(at), 1);
      done.push(...now);
    },
    nextDue: async () => (due.length === 0 ? undefined : Math.min(...due)),
    log: silentLog,
  });
  return { ...state, state, clock };
}

test('due work is done at once, the rest in time', async () => {
  const now = Date.now();
  const { done } = start([now - 5, now + 1000, now + 3000]);
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toEqual([now - 5]);
  await vi.advanceTimersByTimeAsync(999);
  expect(done).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(done).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(2000);
  expect(done).toHaveLength(3);
});

test('later work is done in time, and does not delay earlier work', async () => {
  const now = Date.now();
  const { due, done, clock } = start([]);
  await vi.advanceTimersByTimeAsync(0);
  for (const at of [now + 3000, now + 1000]) {
    due.push(at);
    clock.expect(at);
  }
  await vi.advanceTimersByTimeAsync(1000);
  expect(done).toEqual([now + 1000]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(done).toEqual([now + 1000, now + 3000]);
});

test('a failure is followed by a pause, not by the end', async () => {
  const now = Date.now();
  const { done, state } = start([now]);
  state.failures = 1;
  await vi.advanceTimersByTimeAsync(4000);
  expect(done).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(done).toEqual([now]);
});

test('work that is due in many days is awaited', async () => {
  const at = Date.now() + 40 * 86_400_000;
  const { done } = start([at]);
  await vi.advanceTimersByTimeAsync(at - Date.now() - 1);
  expect(done).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(done).toEqual([at]);
});

test('it does nothing after its end', async () => {
  const { done, clock } = start([Date.now() + 10]);
  await vi.advanceTimersByTimeAsync(0);
  clock[Symbol.dispose]();
  clock.expect(Date.now());
  await vi.advanceTimersByTimeAsync(100_000);
  expect(done).toEqual([]);
});
