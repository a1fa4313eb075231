/** How often an activation may begin: once, unless its action allows that a restart runs it again. */
import type { Origin } from './task.ts';

/** Bounded, because an action that crashes Ward would do so for ever. */
const mostAttempts = 3;

/** @param attempt how often it has begun */
export function mayRunAgain(
  { retriesOnRestart }: Pick<Origin, 'retriesOnRestart'>,
  attempt: number,
): boolean {
  return attempt === 0 || (retriesOnRestart === true && attempt < mostAttempts);
}
