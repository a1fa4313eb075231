/**
 * A clock that stands still while this process does: after `SIGSTOP`, a move of its virtual machine, or long work in
 * one piece. What the others said meanwhile is not read yet, so their silence in that time says nothing about them.
 */

export interface AwakeClock {
  /** In milliseconds. Never less than before, since what is due is compared with times that were noted earlier. */
  now(): number;
  /** Call it every `tickMs`. Returns true if the process stood still before. */
  tick(): boolean;
  /** Whether messages that came while this process stood still may not be read yet. */
  mayReadLate(): boolean;
}

/** A tick that is late by less is only a busy process. */
const lateMs = 1_000;
/** What came meanwhile is read within this time. */
const readMs = 2_000;

/** @param now a monotonic clock, in milliseconds */
export function createAwakeClock(now: () => number, tickMs: number): AwakeClock {
  let tickedAt = now();
  let stoodMs = 0;
  let awakeAt = Number.NEGATIVE_INFINITY;
  let saidLast = Number.NEGATIVE_INFINITY;
  const missedBy = (at: number) => at - tickedAt - tickMs;
  return {
    now() {
      const at = now();
      const missedMs = missedBy(at);
      // Messages and calls come before the first tick, too.
      const awake = at - stoodMs - (missedMs > lateMs ? missedMs : 0);
      saidLast = Math.max(saidLast, awake);
      return saidLast;
    },
    tick() {
      const at = now();
      const missedMs = missedBy(at);
      tickedAt = at;
      if (missedMs <= lateMs) return false;
      stoodMs += missedMs;
      awakeAt = at;
      return true;
    },
    // Messages are read before the first tick, too.
    mayReadLate: () => missedBy(now()) > lateMs || now() - awakeAt < readMs,
  };
}
