import { expect, test } from 'vitest';
import { nearestName } from './nearest.ts';

const names = ['hello', 'help', 'statistics', 'word-count', 'a'];

test.each([
  ['helo', 'hello'],
  ['hlelo', 'hello'],
  ['Hello', 'hello'],
  ['statistic', 'statistics'],
  ['wordcount', 'word-count'],
  ['statsitcs', 'statistics'],
  ['b', 'a'],
])('%s suggests %s', (typed, meant) => {
  expect(nearestName(typed, names)).toBe(meant);
});

test.each(['shout', 'hxyzo', 'zz', 'x'.repeat(300)])('%.10s suggests nothing', (typed) => {
  expect(nearestName(typed, names.slice(0, 4))).toBeUndefined();
});
