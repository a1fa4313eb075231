import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLog } from '../../lib/index.ts';
import { returnWhenQuiet, startMemoryWatch } from './memory-watch.ts';

const log = createLog('silent');
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watching(first: number, shortBytes: number | undefined, soonBytes = 0) {
  const state = { charged: first, collected: [] as string[] };
  const watch = startMemoryWatch({
    ...{ group: undefined, shortBytes, soonBytes, log },
    look: () => state.charged,
    collect: (kind) => void state.collected.push(kind),
  });
  return { state, watch };
}

test('refuses requests that do not fit until there is room', () => {
  const { watch } = watching(60, 100);
  const give = watch.reserve(30);
  expect(() => watch.reserve(20)).toThrow(
    expect.objectContaining({ code: 'MEMORY_SHORT', kind: 'busy', retryAfterMs: 1000 }),
  );
  watch.admit();
  give();
  watch.reserve(20);
  watch[Symbol.dispose]();
});

test('while memory is short nothing is admitted, and garbage is collected', () => {
  const { state, watch } = watching(60, 100);
  state.charged = 101;
  vi.advanceTimersByTime(100);
  expect([watch.isShort(), state.collected]).toEqual([true, ['major']]);
  expect(() => watch.admit()).toThrow(expect.objectContaining({ code: 'MEMORY_SHORT' }));
  vi.advanceTimersByTime(900);
  expect(state.collected).toEqual(['major']);
  state.charged = 90;
  vi.advanceTimersByTime(100);
  watch.admit();
  expect(watch.isShort()).toBe(false);
  watch[Symbol.dispose]();
});

test('a refusal triggers a collection, even if the charged memory alone is below the limit', () => {
  const { state, watch } = watching(95, 100);
  vi.advanceTimersByTime(2000);
  expect(state.collected).toEqual([]);
  expect(() => watch.reserve(10)).toThrow(expect.objectContaining({ code: 'MEMORY_SHORT' }));
  vi.advanceTimersByTime(100);
  expect(state.collected).toEqual(['all']);
  state.charged = 80;
  vi.advanceTimersByTime(2000);
  expect(state.collected).toEqual(['all']);
  watch.reserve(10)();
  watch[Symbol.dispose]();
});

test('waiting requests trigger a collection first, and do not count each other', async () => {
  const { state, watch } = watching(60, 70, 30);
  const give = watch.reserve(10);
  expect(() => watch.reserve(1)).toThrow(expect.objectContaining({ code: 'MEMORY_SHORT' }));
  const scan = watch.reserveSoon(50);
  await vi.advanceTimersByTimeAsync(200);
  expect(state.collected).toEqual(['all']);
  state.charged = 50;
  await vi.advanceTimersByTimeAsync(200);
  (await scan)();
  await vi.advanceTimersByTimeAsync(2000);
  expect(state.collected).toEqual(['all']);
  give();
  state.charged = 60;
  await vi.advanceTimersByTimeAsync(100);
  const late = expect(watch.reserveSoon(50)).rejects.toMatchObject({ code: 'MEMORY_SHORT' });
  await vi.advanceTimersByTimeAsync(60_000);
  await late;
  watch[Symbol.dispose]();
});

test('without a limit nothing is refused', () => {
  const { watch } = watching(1e12, undefined);
  watch.reserve(1e12)();
  watch.admit();
  expect(watch.isShort()).toBe(false);
  watch[Symbol.dispose]();
});

test('memory is returned when Ward is quiet and there is some to return', () => {
  const mebibyte = 1024 * 1024;
  let now = { share: 0, resident: 0 };
  const collected: number[] = [];
  const tick = returnWhenQuiet({
    collect: () => {
      collected.push(now.resident / mebibyte);
      now = { ...now, resident: 100 * mebibyte };
    },
    workShare: () => now.share,
    resident: () => now.resident,
  });
  const after = (share: number, mib: number) => {
    now = { share, resident: mib * mebibyte };
    tick();
    return [...collected];
  };
  expect(after(0.01, 200)).toEqual([]);
  expect(after(0.06, 200)).toEqual([]);
  expect(after(0.01, 200)).toEqual([]);
  expect(after(0.01, 200)).toEqual([200]);
  expect(after(0.01, 120)).toEqual([200]);
  expect(after(0.5, 150)).toEqual([200]);
  expect(after(0.01, 150)).toEqual([200]);
  expect(after(0.01, 150)).toEqual([200, 150]);
});

test('without a free descriptor to read memory, nothing fails and nothing changes', () => {
  const noDescriptor = () => {
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  };
  const collect = vi.fn();
  const tick = returnWhenQuiet({ collect, workShare: () => 0, resident: noDescriptor });
  for (let times = 0; times < 4; times++) tick();
  using watch = startMemoryWatch({ group: undefined, shortBytes: 1, log, look: noDescriptor });
  expect(watch.isShort()).toBe(false);
  expect(collect).not.toHaveBeenCalled();
});
