import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { keepCode } from './keep-code.ts';

const hourMs = 3_600_000;
const keep = vi.fn<() => Promise<void>>();
let keeping: Disposable;
beforeEach(() => {
  vi.useFakeTimers();
  keep.mockReset().mockResolvedValue();
  keeping = keepCode({ code: { keep }, graceMs: hourMs, log: silentLog });
});
afterEach(() => {
  keeping[Symbol.dispose]();
  vi.useRealTimers();
});

test('code is kept several times within the grace period, also after a failure, until the end', async () => {
  keep.mockRejectedValueOnce(new Error('no database'));
  await vi.advanceTimersByTimeAsync(hourMs);
  expect(keep).toHaveBeenCalledTimes(4);
  keeping[Symbol.dispose]();
  await vi.advanceTimersByTimeAsync(hourMs);
  expect(keep).toHaveBeenCalledTimes(4);
});

test('does not begin again before it has ended', async () => {
  const slow = Promise.withResolvers<void>();
  keep.mockReturnValueOnce(slow.promise);
  await vi.advanceTimersByTimeAsync(hourMs);
  expect(keep).toHaveBeenCalledTimes(1);
  slow.resolve();
  await vi.advanceTimersByTimeAsync(hourMs / 4);
  expect(keep).toHaveBeenCalledTimes(2);
});
