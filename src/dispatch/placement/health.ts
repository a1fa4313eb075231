/**
 * Notices invokers that live but do not answer in time, or whose machine has trouble, such as a full disk, and gives
 * them less work. Such a node still sends heartbeats, and has little to do; so only the answers to jobs show it.
 */

/** How many of the last jobs count. */
const remembered = 10;
/** This many failures among them stop new work. */
const mostFailures = 5;
/** For how long no new work goes there. */
export const restMs = 30_000;

interface Health {
  /** True while nothing reduces the weight. */
  readonly isGood: boolean;
  note(hasFailed: boolean, now: number): void;
  /** From 1 (healthy) to 0 (no new work). */
  weight(now: number): number;
}

export function createHealth(): Health {
  let answers: boolean[] = [];
  let failures = 0;
  let restsUntil = Number.NEGATIVE_INFINITY;
  return {
    get isGood() {
      return failures === 0 && restsUntil === Number.NEGATIVE_INFINITY;
    },
    note(hasFailed, now) {
      if (!hasFailed && failures === 0) return;
      answers.push(hasFailed);
      if (hasFailed) failures++;
      if (answers.length > remembered && answers.shift() === true) failures--;
      if (failures < mostFailures) return;
      restsUntil = now + restMs;
      answers = [];
      failures = 0;
    },
    weight: (now) => (now < restsUntil ? 0 : 1 - failures / remembered),
  };
}
