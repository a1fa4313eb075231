import { describe, expect, it } from 'vitest';
import { createHealth, restMs } from './health.ts';

/** `x` is a failure, `.` a good answer. */
const weightAfter = (answers: string, now = 0) => {
  const health = createHealth();
  for (const answer of answers) health.note(answer === 'x', 0);
  return health.weight(now);
};

describe('the health of an invoker', () => {
  it.each([
    ['', 1],
    ['..........', 1],
    ['x', 0.9],
    ['x.x.x', 0.7],
    ['xxxx', 0.6],
    ['xxxxx', 0],
    ['x.x.x.x.x', 0],
    ['x..........', 1],
    ['xxxx......', 0.6],
    ['xxxx.......x', 0.7],
  ])('after %j is %d', (answers, weight) => {
    expect(weightAfter(answers)).toBeCloseTo(weight);
  });

  it('is good again after a rest', () => {
    expect(weightAfter('xxxxx', restMs - 1)).toBe(0);
    expect(weightAfter('xxxxx', restMs)).toBe(1);
  });
});
