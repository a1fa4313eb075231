/** Work that can be put down between its steps: others have their turn where a process serves while it does it. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Yields between steps. */
export type Steps<T> = Generator<undefined, T>;

/** After so long others have their turn. */
export const turnMs = 5;

/** Where nobody waits. */
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
