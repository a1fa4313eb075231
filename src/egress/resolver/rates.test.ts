import { expect, it } from 'vitest';
import { createRates, questionsPerSecond } from './rates.ts';

it('a flood of one namespace does not slow another, and continues at its own rate', () => {
  let now = 0;
  const rates = createRates(() => now);
  const flood = (count: number) =>
    Array.from({ length: count }, () => rates.take('flood')).filter(Boolean).length;
  expect(flood(10_000)).toBe(2 * questionsPerSecond);
  expect(rates.take('small')).toBe(true);
  now = 500;
  expect(flood(10_000)).toBe(questionsPerSecond / 2);
  now = 60_000;
  expect(flood(10_000)).toBe(2 * questionsPerSecond);
});
