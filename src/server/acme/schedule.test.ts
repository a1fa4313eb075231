import { expect, test } from 'vitest';
import { makeAuthority } from '../../lib/key-pairs.fixture.ts';
import { dueAt, nextTry, pauseAfter } from './schedule.ts';

test('a certificate is renewed when a third of its life is left', async () => {
  await using authority = await makeAuthority();
  // Its life began in 2019.
  const { cert } = await authority.issue([], '20211231000000Z');
  const dueOn = (now: string) => new Date(dueAt(cert, Date.parse(now))).toISOString();
  expect(dueOn('2019-01-01')).toBe('2020-12-31T00:00:00.000Z');
  // It was old when it came.
  expect(dueOn('2021-12-11')).toBe('2021-12-21T00:00:00.000Z');
});

test.each([
  [0, 10, 2e12],
  [1, 10, 1e12],
  [1, 0.5, 2e12],
  [1, -10, 2e12],
])('after %i failures, an attempt %d hours ahead is followed by one at %d', (failures, hours, at) => {
  const triedAt = 1e12 + hours * 3_600_000;
  expect(nextTry({ failures, triedAt, dueAt: 2e12 }, 1e12)).toBe(at);
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
