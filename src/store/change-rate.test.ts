import { expect, test } from 'vitest';
import { createChangeRate } from './change-rate.ts';

test('a namespace that floods is held back, and others are not', () => {
  let at = 0;
  const rate = createChangeRate({ burst: 3, perSecond: 2 }, () => at);
  for (let count = 0; count < 3; count++) rate.take('a');
  expect(() => rate.take('a')).toThrow(
    expect.objectContaining({ code: 'CHANGES_EXCEEDED', kind: 'throttled', retryAfterMs: 500 }),
  );
  rate.take('b');
  at = 1000;
  for (let count = 0; count < 2; count++) rate.take('a');
  expect(() => rate.take('a')).toThrow('too fast');
  at = 100_000;
  for (let count = 0; count < 3; count++) rate.take('a');
  expect(() => rate.take('a')).toThrow('too fast');
});
