/** When an entity was written. Lists are sorted by it, newest first, so no two writes of a process share one. */

let last = 0;

/** Returns epoch milliseconds, later than all returned before and than `before`, the time of the replaced entity. */
export function writeTime(before = 0): number {
  last = Math.max(Date.now(), last + 1, before + 1);
  return last;
}
