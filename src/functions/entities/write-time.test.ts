import { expect, test } from 'vitest';
import { writeTime } from './write-time.ts';

test('many writes in one millisecond keep their order', () => {
  const times = Array.from({ length: 100 }, () => writeTime());
  expect(new Set(times).size).toBe(100);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test('a change is later than the replaced entity, whatever the clock says', () => {
  const later = Date.now() + 60_000;
  expect(writeTime(later)).toBe(later + 1);
});
