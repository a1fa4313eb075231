/** Work in steps, between which a process can serve other requests. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Yields between steps. */
export type Steps<T> = Generator<undefined, T>;

/** Time after which other work gets a turn. */
export const turnMs = 5;

/** Runs all steps without a pause, for a process that serves no one. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  let since = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - since <= turnMs) continue;
    await nextTurn();
    since = performance.now();
  }
}
