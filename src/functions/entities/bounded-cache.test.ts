import { expect, test } from 'vitest';
import { createBoundedCache } from './bounded-cache.ts';

test('keeps values, up to its capacity', async () => {
  const cache = createBoundedCache<number>(2);
  let reads = 0;
  const read = (value: number) => async () => {
    reads++;
    return value;
  };
  for (const each of [1, 1, 2, 1, 3]) await cache.load(String(each), read(each));
  expect(reads).toBe(3);
  expect(['1', '2', '3'].map((key) => cache.get(key))).toEqual([undefined, 2, 3]);
});

test('does not keep absent values', async () => {
  const cache = createBoundedCache<number>(2);
  expect(await cache.load('a', async () => undefined)).toBeUndefined();
  expect(await cache.load('a', async () => 1)).toBe(1);
});

test.each([
  ['clear', (cache: ReturnType<typeof createBoundedCache<number>>) => cache.clear()],
  ['drop', (cache: ReturnType<typeof createBoundedCache<number>>) => cache.drop('a')],
  ['dropWhere', (cache: ReturnType<typeof createBoundedCache<number>>) => cache.dropWhere(() => false)],
])('a value that was being read during a %s is not kept', async (_name, invalidate) => {
  const cache = createBoundedCache<number>(2);
  const gate = Promise.withResolvers<number>();
  const reading = cache.load('a', () => gate.promise);
  invalidate(cache);
  gate.resolve(1);
  expect(await reading).toBe(1);
  expect(cache.get('a')).toBeUndefined();
});

test('drops only those that are old', async () => {
  const cache = createBoundedCache<number>(5);
  for (const each of [1, 2, 3]) await cache.load(String(each), async () => each);
  cache.dropWhere((value, key) => value === 1 || key === '3');
  expect(['1', '2', '3'].map((key) => cache.get(key))).toEqual([undefined, 2, undefined]);
});
