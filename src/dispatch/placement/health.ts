/**
 * Notices invokers that live but do not answer in time, and gives them less work. A node that is slow for everyone
 * still sends heartbeats, so only the answers to jobs show it.
 */

/** How many of the last answers count. */
const remembered = 10;
/** So many time-outs among them stop new work. */
const mostTimeouts = 5;
/** For how long no new work goes there. */
export const restMs = 30_000;

interface Health {
  /** True while nothing reduces the weight. */
  readonly isGood: boolean;
  note(hasTimedOut: boolean, now: number): void;
  /** From 1 (healthy) to 0 (no new work). */
  weight(now: number): number;
}

export function createHealth(): Health {
  let answers: boolean[] = [];
  let timeouts = 0;
  let restsUntil = Number.NEGATIVE_INFINITY;
  return {
    get isGood() {
      return timeouts === 0 && restsUntil === Number.NEGATIVE_INFINITY;
    },
    note(hasTimedOut, now) {
      if (!hasTimedOut && timeouts === 0) return;
      answers.push(hasTimedOut);
      if (hasTimedOut) timeouts++;
      if (answers.length > remembered && answers.shift() === true) timeouts--;
      if (timeouts < mostTimeouts) return;
      restsUntil = now + restMs;
      answers = [];
      timeouts = 0;
    },
    weight: (now) => (now < restsUntil ? 0 : 1 - timeouts / remembered),
  };
}
