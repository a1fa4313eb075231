import { expect, test } from 'vitest';
import { categoryPair } from './selinux.ts';

test.each([
  [0, 'c0,c1'],
  [1022, 'c0,c1023'],
  [1023, 'c1,c2'],
  [523_775, 'c1022,c1023'],
])('pair %i is %s', (index, pair) => {
  expect(categoryPair(index)).toBe(pair);
});

test('every range of ids on a machine has its own pair', () => {
  const ranges = 47 * 1024;
  const pairs = new Set(Array.from({ length: ranges }, (_, index) => categoryPair(index)));
  expect(pairs.size).toBe(ranges);
});
