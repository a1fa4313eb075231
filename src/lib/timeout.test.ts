import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withTimeout } from './timeout.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new Promise<string>(() => {});
const tooLate = () => {
  throw new Error('too late');
};

it('returns the result of work that ends in time, and leaves no timer', async () => {
  expect(await withTimeout(Promise.resolve('done'), 1000, () => 'late')).toBe('done');
  await expect(withTimeout(Promise.reject(new Error('broken')), 1000, () => 'late')).rejects.toThrow(
    'broken',
  );
  expect(vi.getTimerCount()).toBe(0);
});

it('returns or throws the alternative for late work', async () => {
  const given = withTimeout(never, 1000, () => 'late');
  const thrown = expect(withTimeout(never, 1000, tooLate)).rejects.toThrow('too late');
  let isSettled = false;
  void given.then(() => {
    isSettled = true;
  });
  await vi.advanceTimersByTimeAsync(999);
  expect(isSettled).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await given).toBe('late');
  await thrown;
});
