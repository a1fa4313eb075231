import { expect, it } from 'vitest';
import { BoundedMap } from './bounded-map.ts';

it('forgets the oldest entries', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1).set('b', 2).set('a', 3).set('c', 4);
  expect([...map]).toEqual([
    ['a', 3],
    ['c', 4],
  ]);
});

it('forgets an eighth at once, but only when it is full', () => {
  const map = new BoundedMap<number, undefined>(16);
  for (let key = 0; key < 16; key++) map.set(key, undefined);
  expect(map.size).toBe(16);
  map.set(15, undefined);
  expect(map.size).toBe(16);
  map.set(16, undefined);
  expect([map.size, map.has(1), map.has(2)]).toEqual([15, false, true]);
});
