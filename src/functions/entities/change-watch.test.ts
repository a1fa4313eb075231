import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import type { Change, ChangesSince } from '../../store/index.ts';
import { type ChangeWatch, trustMs, watchChanges } from './change-watch.ts';
import type { Changed } from './changed.ts';

const action: Change = { kind: 'actions', namespace: 'guest', path: 'pkg/a' };

let watch: ChangeWatch;
/** What each look asks for, and what was dropped. */
let asked: (string | undefined)[];
let dropped: (Changed | undefined)[];
/** Whether the watch was current at each drop. */
let current: (boolean | Promise<boolean>)[];
let answer: (position: string | undefined) => Promise<ChangesSince>;
const prune = vi.fn(async () => 0);

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  dropped = [];
  current = [];
  answer = async (position) => ({
    position: `${Number(position ?? 0) + 1}`,
    changes: position ? [] : undefined,
  });
  const since = (position?: string) => {
    asked.push(position);
    return answer(position);
  };
  watch = watchChanges({
    changes: { since, prune },
    onChanged: (each) => {
      dropped.push(each);
      current.push(watch.isCurrent());
    },
    log: silentLog,
  });
});
afterEach(() => {
  watch[Symbol.dispose]();
  vi.useRealTimers();
});

/** Every look fails from now on, like those of a database that is away. */
function fail(): void {
  answer = async () => {
    throw new Error('no database');
  };
}

test('drops everything at the start, and then looks four times a second from where it was', async () => {
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toEqual([undefined, '1', '2', '3', '4']);
  expect(dropped).toEqual([undefined]);
});

test('drops what was changed, by name', async () => {
  await vi.advanceTimersByTimeAsync(0);
  answer = async () => ({ position: '2', changes: [action] });
  await vi.advanceTimersByTimeAsync(250);
  expect(dropped[1]).toEqual({
    ...{ namespaces: new Set(), keys: new Set(), sessions: new Set(), triggers: new Set(), apis: new Set() },
    ...{ actions: new Set(['guest/pkg']), domains: new Set(), isGate: false, evidence: new Set() },
  });
});

test('drops everything when the store does not know what was changed', async () => {
  await vi.advanceTimersByTimeAsync(0);
  answer = async () => ({ position: '9', changes: undefined });
  await vi.advanceTimersByTimeAsync(250);
  expect(dropped).toEqual([undefined, undefined]);
});

test('looks at once after a hint, and once more for hints that come during a look', async () => {
  await vi.advanceTimersByTimeAsync(0);
  const slow = Promise.withResolvers<ChangesSince>();
  answer = () => slow.promise;
  const first = watch.look();
  const hinted = [watch.look(), watch.look()];
  expect(asked).toHaveLength(2);
  answer = async () => ({ position: '3', changes: [action] });
  slow.resolve({ position: '2', changes: [] });
  await Promise.all([first, ...hinted]);
  expect(asked).toEqual([undefined, '1', '2']);
  expect(dropped).toHaveLength(2);
});

test('starts anew after an outage, and drops everything', async () => {
  await vi.advanceTimersByTimeAsync(0);
  const whole = answer;
  fail();
  await vi.advanceTimersByTimeAsync(500);
  expect(dropped).toHaveLength(1);
  answer = whole;
  await vi.advanceTimersByTimeAsync(250);
  expect(asked).toEqual([undefined, '1', undefined, undefined]);
  expect(dropped).toEqual([undefined, undefined]);
});

test('is trusted for 30 s after its last good look, and then drops everything', async () => {
  await vi.advanceTimersByTimeAsync(0);
  fail();
  await vi.advanceTimersByTimeAsync(trustMs);
  expect([watch.isCurrent(), dropped]).toEqual([true, [undefined]]);
  await vi.advanceTimersByTimeAsync(250);
  expect(watch.isCurrent()).toBe(false);
  expect(dropped.length).toBeGreaterThan(1);
});

test('is trusted again when it drops everything after an outage', async () => {
  await vi.advanceTimersByTimeAsync(0);
  const whole = answer;
  fail();
  await vi.advanceTimersByTimeAsync(trustMs + 250);
  expect(current.at(-1)).toBe(false);
  answer = whole;
  await vi.advanceTimersByTimeAsync(250);
  expect(current.at(-1)).toBe(true);
});

test('a look that gets no answer has failed after 5 s', async () => {
  await vi.advanceTimersByTimeAsync(0);
  answer = () => new Promise(() => {});
  await vi.advanceTimersByTimeAsync(trustMs + 5500);
  expect(asked.length).toBeGreaterThan(6);
  expect(watch.isCurrent()).toBe(false);
});

test('a process that was stopped looks before it is trusted again', async () => {
  await vi.advanceTimersByTimeAsync(0);
  const now = performance.now() + trustMs + 1;
  const clock = vi.spyOn(performance, 'now').mockReturnValue(now);
  const current = watch.isCurrent();
  expect(current).toBeInstanceOf(Promise);
  expect(await current).toBe(true);
  fail();
  clock.mockReturnValue(now + trustMs + 1);
  expect(await watch.isCurrent()).toBe(false);
  clock.mockRestore();
});

test('deletes old changes every ten minutes, and ends with its disposal', async () => {
  await vi.advanceTimersByTimeAsync(600_000);
  expect(prune.mock.calls).toEqual([[3_600_000]]);
  watch[Symbol.dispose]();
  const looks = asked.length;
  await vi.advanceTimersByTimeAsync(600_000);
  expect([asked.length, prune.mock.calls.length]).toEqual([looks, 1]);
});
