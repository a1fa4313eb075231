/** What becomes of a fault that could not begin. */
import { expect, it } from 'vitest';
import { outcomeOf } from './run.ts';

it('makes an error of its set-up a violation, so that the other faults go on', async () => {
  const outcome = await outcomeOf(() => Promise.reject(new Error('no server')));
  expect(outcome.violations).toEqual([
    { rule: 'broke off', what: expect.stringContaining('no server') as string },
  ]);
  expect(outcome).toMatchObject({ rounds: 0, counts: { answers: 0, runs: 0, records: 0 } });
});
