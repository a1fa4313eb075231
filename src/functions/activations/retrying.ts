/** How often an activation may begin: once, unless its action says that a restart may run it again. */
import type { Origin } from './task.ts';

/** An action that brings Ward down would do so for ever. */
const mostAttempts = 3;

/** @param attempt how often it has begun */
export function mayRunAgain(
  { retriesOnRestart }: Pick<Origin, 'retriesOnRestart'>,
  attempt: number,
): boolean {
  return attempt === 0 || (retriesOnRestart === true && attempt < mostAttempts);
}
