/** When an entity was written: lists go by it, newest first, so no two writes of a process share one. */

let last = 0;

/** Epoch milliseconds, later than every one given before and than `before`, the time of what is replaced. */
export function writeTime(before = 0): number {
  last = Math.max(Date.now(), last + 1, before + 1);
  return last;
}
