/**
 * Sees that the clock of the machine was set: between two looks it has gone another way than the one that nobody can
 * set. So it does when the machine has slept.
 */
import type { Log } from '../../lib/index.ts';

interface ClockWatchOptions {
  /** The clock that can be set; epoch milliseconds. */
  readonly now: () => number;
  /** The one that can't, from any time on; milliseconds. */
  readonly elapsed: () => number;
  readonly log: Log;
  /** Told each jump: milliseconds, negative when the clock was set back. */
  readonly onJump?: ((jumpMs: number) => void) | undefined;
}

interface ClockWatch {
  /** By how much the clock was set since the last look, in milliseconds: negative when back, 0 when it was not. */
  look(): number;
}

/** What a clock is off without having been set. No two dates are nearer to each other. */
const toleranceMs = 1000;

export function createClockWatch({ now, elapsed, log, onJump }: ClockWatchOptions): ClockWatch {
  let offset: number | undefined;
  return {
    look() {
      const before = offset;
      offset = now() - elapsed();
      const jumpMs = before === undefined ? 0 : Math.round(offset - before);
      if (Math.abs(jumpMs) <= toleranceMs) return 0;
      log.warn(
        { jumpMs },
        `the clock was set ${jumpMs < 0 ? 'back' : 'forward'}: alarms go on by the new time`,
      );
      onJump?.(jumpMs);
      return jumpMs;
    },
  };
}
