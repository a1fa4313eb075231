import { beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import type { AcceptedQueue } from '../../store/index.ts';
import { createQueueLease, type QueueLease } from './queue-lease.ts';

const extend = vi.fn<AcceptedQueue['extend']>();
const endOtherLeases = vi.fn(async () => {});
const leave = vi.fn(async () => {});
const release = vi.fn<AcceptedQueue['release']>();
beforeEach(() => {
  for (const each of [extend, endOtherLeases, leave, release]) each.mockReset();
  extend.mockResolvedValue(true);
});

function lease(more: { isAlone?: boolean; leaseMs?: number } = {}): QueueLease & AsyncDisposable {
  const accepted = { extend, endOtherLeases, leave, release };
  const made = createQueueLease({ accepted, isAlone: false, leaseMs: 3, log: silentLog, ...more });
  return Object.assign(made, { [Symbol.asyncDispose]: () => made.close() });
}

test('begins once, under its own name, and leaves calls of others alone', async () => {
  await using held = lease({ leaseMs: 60_000 });
  await using other = lease();
  await Promise.all([held.held(), held.held()]);
  expect(extend.mock.calls).toEqual([[{ node: held.node, leaseMs: 60_000 }]]);
  expect(endOtherLeases).not.toHaveBeenCalled();
  expect(other.node).not.toBe(held.node);
});

test('of a server that is alone ends the leases of earlier ones', async () => {
  await using held = lease({ isAlone: true });
  await held.held();
  expect(endOtherLeases.mock.calls).toEqual([[held.node]]);
});

test('begins at the next call if it could not begin before', async () => {
  await using held = lease({ leaseMs: 60_000 });
  extend.mockRejectedValueOnce(new Error('no disk'));
  await expect(held.held()).rejects.toThrow('no disk');
  await held.held();
  expect(extend).toHaveBeenCalledTimes(2);
});

test('is renewed, also after a failed renewal, and each time looks for calls that others left', async () => {
  await using held = lease();
  const look = vi.fn(async () => {});
  held.onRenewed(look);
  await held.held();
  extend.mockRejectedValueOnce(new Error('no disk'));
  await expect.poll(() => look.mock.calls.length).toBeGreaterThan(2);
  expect(extend.mock.calls.length).toBeGreaterThan(look.mock.calls.length);
});

test('does not look for calls after it had ended, until it was renewed in time: others may be late as well', async () => {
  await using held = lease();
  extend.mockResolvedValue(false);
  const look = vi.fn(async () => {});
  held.onRenewed(look);
  held.giveUp('x');
  await held.held();
  await expect.poll(() => extend.mock.calls.length).toBeGreaterThan(3);
  expect([look.mock.calls, release.mock.calls]).toEqual([[], []]);
  extend.mockResolvedValue(true);
  await expect.poll(() => look.mock.calls.length).toBeGreaterThan(0);
});

test('goes on if it had ended while no other server existed', async () => {
  await using held = lease({ isAlone: true });
  extend.mockResolvedValue(false);
  const look = vi.fn(async () => {});
  held.onRenewed(look);
  await held.held();
  await expect.poll(() => look.mock.calls.length).toBeGreaterThan(0);
});

test('looks for calls one look at a time', async () => {
  await using held = lease();
  const end = Promise.withResolvers<void>();
  const look = vi.fn(() => end.promise);
  held.onRenewed(look);
  await held.held();
  await expect.poll(() => extend.mock.calls.length).toBeGreaterThan(5);
  expect(look).toHaveBeenCalledTimes(1);
  end.resolve();
  await expect.poll(() => look.mock.calls.length).toBeGreaterThan(1);
});

test('gives back calls that this server cannot run, until that is written', async () => {
  await using held = lease();
  release.mockRejectedValueOnce(new Error('no disk'));
  held.giveUp('x');
  await held.held();
  await expect.poll(() => release.mock.calls.length).toBe(2);
  const renewals = extend.mock.calls.length;
  await expect.poll(() => extend.mock.calls.length).toBeGreaterThan(renewals + 2);
  expect(release.mock.calls).toEqual([
    ['x', held.node],
    ['x', held.node],
  ]);
});

test('ends with the server, and does not begin after that', async () => {
  const held = lease();
  await held.held();
  await held.close();
  const renewals = extend.mock.calls.length;
  expect(leave.mock.calls).toEqual([[held.node]]);
  await held.held();
  expect(extend).toHaveBeenCalledTimes(renewals);
  const unused = lease();
  await unused.close();
  await unused.held();
  expect([extend.mock.calls.length, leave.mock.calls.length]).toEqual([renewals, 1]);
});
