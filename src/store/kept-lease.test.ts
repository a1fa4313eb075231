import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { keepLease, keptLeaseMs, type LeaseKeeper } from './kept-lease.ts';
import type { LeaseStore } from './types/leases.ts';

const take = vi.fn<LeaseStore['take']>();
const renew = vi.fn<LeaseStore['renew']>();
const drop = vi.fn<LeaseStore['drop']>();
const lease = { name: 'work', token: 1 };

let keeper: LeaseKeeper;
beforeEach(() => {
  vi.useFakeTimers();
  for (const each of [take, renew, drop]) each.mockReset();
  take.mockResolvedValue(lease);
  renew.mockResolvedValue(true);
  drop.mockResolvedValue();
  keeper = keepLease({ leases: { take, renew, drop }, name: 'work', log: silentLog });
});
afterEach(async () => {
  await keeper.close();
  vi.useRealTimers();
});

test('is taken once, and renewed three times in its time until it is closed', async () => {
  expect(await Promise.all([keeper.held(), keeper.held()])).toEqual([lease, lease]);
  await vi.advanceTimersByTimeAsync(2 * keptLeaseMs);
  expect(await keeper.held()).toBe(lease);
  expect([take.mock.calls.length, renew.mock.calls.length]).toEqual([1, 6]);
  await keeper.close();
  expect(drop.mock.calls).toEqual([[lease]]);
  await vi.advanceTimersByTimeAsync(keptLeaseMs);
  expect(renew).toHaveBeenCalledTimes(6);
});

test('is not there while another one holds it, and is asked for again', async () => {
  take.mockResolvedValueOnce(undefined);
  expect(await keeper.held()).toBeUndefined();
  expect(await keeper.held()).toBe(lease);
});

test('that another one has taken over is given up', async () => {
  await keeper.held();
  renew.mockResolvedValue(false);
  take.mockResolvedValue(undefined);
  await vi.advanceTimersByTimeAsync(keptLeaseMs / 3);
  expect(await keeper.held()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(keptLeaseMs);
  expect(renew).toHaveBeenCalledTimes(1);
  await keeper.close();
  expect(drop).not.toHaveBeenCalled();
});

test('that could not be renewed is held until its end, and then taken anew', async () => {
  await keeper.held();
  renew.mockRejectedValue(new Error('no database'));
  await vi.advanceTimersByTimeAsync(keptLeaseMs - 1);
  expect(await keeper.held()).toBe(lease);
  const next = { ...lease, token: 2 };
  take.mockResolvedValue(next);
  await vi.advanceTimersByTimeAsync(1);
  expect(await keeper.held()).toBe(next);
});

test('of a process that was stopped past its end is not taken for held', async () => {
  await keeper.held();
  take.mockResolvedValue(undefined);
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + keptLeaseMs);
  expect(await keeper.held()).toBeUndefined();
  clock.mockRestore();
});

test('that comes when it is no longer wanted is ended', async () => {
  const slow = Promise.withResolvers<typeof lease>();
  take.mockReturnValueOnce(slow.promise);
  const held = keeper.held();
  const closed = keeper.close();
  slow.resolve(lease);
  await Promise.all([held, closed]);
  expect(drop.mock.calls).toEqual([[lease]]);
  await vi.advanceTimersByTimeAsync(keptLeaseMs);
  expect(renew).not.toHaveBeenCalled();
});
