import { expect, test } from 'vitest';
import { makeAuthority } from '../../lib/key-pairs.fixture.ts';
import { dueAt, pauseAfter } from './schedule.ts';

test('a certificate is renewed when a third of its life is left', async () => {
  await using authority = await makeAuthority();
  // Its life began in 2019.
  const { cert } = await authority.issue([], '20211231000000Z');
  expect(new Date(dueAt(cert)).toISOString()).toBe('2020-12-31T00:00:00.000Z');
});

test.each([
  [1, 0, 60],
  [1, 1, 30],
  [2, 0, 120],
  [5, 0, 960],
  [50, 0, 43_200],
  [50, 1, 21_600],
])('after %i failures, with %d, it waits %i s', (failures, random, seconds) => {
  expect(pauseAfter(failures, random)).toBe(seconds * 1000);
});
