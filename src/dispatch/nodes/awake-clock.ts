/**
 * A clock that stands still while this process does: after `SIGSTOP`, a move of its virtual machine, or long work in
 * one piece. What the others said meanwhile is not read yet, so their silence in that time says nothing about them.
 */

export interface AwakeClock {
  /** In milliseconds. */
  now(): number;
  /** Call it every `tickMs`. Returns true if the process stood still before. */
  tick(): boolean;
}

/** A tick that is late by less is only a busy process. */
const lateMs = 1_000;

/** @param now a monotonic clock, in milliseconds */
export function createAwakeClock(now: () => number, tickMs: number): AwakeClock {
  let tickedAt = now();
  let stoodMs = 0;
  return {
    now: () => now() - stoodMs,
    tick() {
      const at = now();
      const missedMs = at - tickedAt - tickMs;
      tickedAt = at;
      if (missedMs <= lateMs) return false;
      stoodMs += missedMs;
      return true;
    },
  };
}
