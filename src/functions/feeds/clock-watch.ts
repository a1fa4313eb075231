/**
 * Detects that the machine's clock was set, by comparing its progress with that of a monotonic clock. A sleep of the
 * machine counts, too.
 */
import type { Log } from '../../lib/index.ts';

interface ClockWatchOptions {
  /** The wall clock, in epoch milliseconds. */
  readonly now: () => number;
  /** The monotonic clock, in milliseconds from any origin. */
  readonly elapsed: () => number;
  readonly log: Log;
  /** Called for each jump, with milliseconds. Negative if the clock was set back. */
  readonly onJump?: ((jumpMs: number) => void) | undefined;
}

interface ClockWatch {
  /**
   * Returns how far the clock was set since the last call, in milliseconds. Negative if back, 0 if it was not set.
   */
  look(): number;
}

/** Deviations up to this are not a jump. No two dates are closer together. */
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
