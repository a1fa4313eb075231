/**
 * Pauses after starts that fail, so that a group whose sandboxes can't start does not start one for each call. The
 * pauses grow up to a bound. Each group has its own: the cause can be its own policy or code, and must not delay others.
 * The scheduler's sweep notices their end.
 */
import { BoundedMap } from '../../lib/index.ts';

export interface StartPauses {
  /** Whether the group may start a slot. After a failure, one at a time. */
  mayStart(group: PausedGroup): boolean;
  /**
   * Notes that a start failed which began at `begunAt`, in time of `performance.now()`. Returns whether it was a new
   * try after an earlier failure.
   */
  failed(group: PausedGroup, begunAt: number): boolean;
  succeeded(group: PausedGroup): void;
}

interface PausedGroup {
  readonly key: string;
  /** Slots that are being started. */
  readonly starting: number;
}

interface Failures {
  readonly count: number;
  readonly failedAt: number;
  readonly pauseMs: number;
}

const firstPauseMs = 100;
const longestPauseMs = 2000;
/** Limit of groups whose failures are remembered. */
const mostGroups = 10_000;

export function createStartPauses(): StartPauses {
  const failures = new BoundedMap<string, Failures>(mostGroups);
  return {
    mayStart({ key, starting }) {
      const last = failures.get(key);
      if (last === undefined) return true;
      return starting === 0 && performance.now() - last.failedAt >= last.pauseMs;
    },
    failed({ key }, begunAt) {
      const last = failures.get(key);
      const isRepeated = last !== undefined && begunAt > last.failedAt;
      // Starts that ran at the same time count as one.
      const count = last === undefined ? 1 : last.count + (isRepeated ? 1 : 0);
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (count - 1));
      failures.set(key, { count, failedAt: performance.now(), pauseMs });
      return isRepeated;
    },
    succeeded: ({ key }) => void failures.delete(key),
  };
}
