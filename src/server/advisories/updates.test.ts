import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLog } from '../../lib/index.ts';
import { type LeaseStore, openStore } from '../../store/index.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { noteLastUpdate, readLastUpdate } from './last-update.ts';
import { type AdvisoryUpdatesOptions, delayUntilNext, startAdvisoryUpdates } from './updates.ts';

const hour = 3_600_000;
const minute = 60_000;
const noon = Date.parse('2026-11-20T12:00:00Z');

test.each([
  ['never before: at once', { last: 0, random: 1 }, 0],
  ['just now: after the interval', { last: noon, random: 0.5 }, hour],
  ['a little before or after it', { last: noon, random: 0 }, 0.9 * hour],
  ['', { last: noon, random: 1 }, 1.1 * hour],
  ['half an hour ago', { last: noon - hour / 2, random: 0.5 }, hour / 2],
  ['long ago: within a minute', { last: noon - 9 * hour, random: 0.5 }, minute / 2],
  ['in the future, by a clock that was set back', { last: noon + 99 * hour, random: 0.5 }, hour],
])('%s', (_, given, delay) => {
  expect(delayUntilNext({ intervalMs: hour, now: noon, ...given })).toBeCloseTo(delay, 3);
});

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ward-updates-'));
  vi.useFakeTimers({ now: noon, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(dataDir, { recursive: true });
});

function start(
  update: 'off' | 'hourly',
  run: NonNullable<AdvisoryUpdatesOptions['run']>,
  { folder = dataDir, leases }: { readonly folder?: string; readonly leases?: LeaseStore } = {},
) {
  const advisories = { update, from: undefined, key: undefined, sources: undefined };
  return startAdvisoryUpdates({
    config: { dataDir: folder, advisories },
    log: createLog('silent'),
    ...{ run, leases },
    random: () => 0.5,
  });
}

/** Notes an update like the program does. */
const note = () =>
  noteLastUpdate(gatePaths(dataDir).advisories, { endedAt: new Date().toISOString(), failed: [] });

test('runs at once on a fresh install, then at the interval, even after a failure', async () => {
  const runs: number[] = [];
  const ran = { resolve: () => {} };
  const next = () =>
    new Promise<void>((resolve) => {
      ran.resolve = resolve;
    });
  await using _updates = start('hourly', async () => {
    runs.push((Date.now() - noon) / minute);
    if (runs.length === 2) throw new Error('no way');
    if (runs.length !== 3) await note();
    setImmediate(() => ran.resolve());
  });
  for (let count = 1; count <= 3; count++) {
    const done = next();
    await vi.advanceTimersByTimeAsync(count === 1 ? 0 : hour);
    if (count !== 2) await done;
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
  }
  expect(runs).toEqual([0, 60, 120]);
  expect(readLastUpdate(gatePaths(dataDir).advisories)?.failed).toEqual([]);
});

test('a manual update counts, and `off` runs none', async () => {
  await note();
  const run = vi.fn(async () => {});
  await using _off = start('off', run);
  expect(vi.getTimerCount()).toBe(0);
  await using _hourly = start('hourly', run);
  await vi.advanceTimersByTimeAsync(hour - 1000);
  expect(run).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2000);
  expect(run).toHaveBeenCalledOnce();
});

test('a server that stops aborts the update and waits for its end', async () => {
  let isEnded = false;
  const begun = Promise.withResolvers<void>();
  const updates = start('hourly', async (signal) => {
    begun.resolve();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    isEnded = true;
    signal.throwIfAborted();
  });
  await vi.advanceTimersByTimeAsync(0);
  await begun.promise;
  await updates[Symbol.asyncDispose]();
  expect(isEnded).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('servers that share their advisories update in turn, and not when another one has just done so', async () => {
  await using state = await openStore({ path: join(dataDir, 'ward.db') });
  const folders = ['a', 'b'].map((name) => join(dataDir, name));
  const running: (() => void)[] = [];
  const run = async () => {
    await new Promise<void>((resolve) => running.push(resolve));
    // The other one takes up the note with the advisories.
    for (const folder of folders) {
      const endedAt = new Date().toISOString();
      await noteLastUpdate(gatePaths(folder).advisories, { endedAt, failed: [] });
    }
  };
  await using stack = new AsyncDisposableStack();
  for (const folder of folders) stack.use(start('hourly', run, { folder, leases: state.leases }));
  for (const count of [1, 2]) {
    await vi.advanceTimersByTimeAsync(count === 1 ? 0 : hour);
    await vi.waitFor(() => expect([running.length, vi.getTimerCount()]).toEqual([count, 1]));
    await vi.advanceTimersByTimeAsync(minute);
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
    expect(running).toHaveLength(count);
    running.at(-1)?.();
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(2));
    await vi.advanceTimersByTimeAsync(minute);
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(2));
    expect(running).toHaveLength(count);
  }
});
