/** When a run of faults proves nothing. */
import { expect, it } from 'vitest';
import { exerciseLine, unproven } from './exercise.ts';

const refusals = { what: 'refusals', count: 0 };

it('turns red for what the clients never did, and for what they did too seldom', () => {
  const found = unproven([refusals, { what: 'kinds', count: 10, least: 11 }]);
  expect(found).toEqual([
    { rule: 'proves nothing', what: '0 refusals, at least 1' },
    { rule: 'proves nothing', what: '10 kinds, at least 11' },
  ]);
});

it('lets pass what they did, and what they need not do', () => {
  expect(
    unproven([
      { ...refusals, count: 1 },
      { ...refusals, least: 0 },
    ]),
  ).toEqual([]);
});

it('tells the counts', () => {
  expect(exerciseLine([refusals, { what: 'races', count: 7 }])).toBe('  exercised: 0 refusals, 7 races');
});
