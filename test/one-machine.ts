/** For tests that are about one machine's files or processes: a run on a cluster (`engine-switch.ts`) leaves them out. */
import { TestRunner } from 'vitest';
import { isOnCluster } from './engine-switch.ts';

/** Why a file of tests can't run now, or undefined. */
export function missingForOneMachine(reason: string): string | undefined {
  return isOnCluster() ? `only on one machine: ${reason}` : undefined;
}

/** Ends the test that runs, and has it counted as skipped, when the tests run on a cluster. */
export function onlyOneMachine(reason: string): void {
  const why = missingForOneMachine(reason);
  if (why !== undefined) TestRunner.getCurrentTest()?.context.skip(why);
}
