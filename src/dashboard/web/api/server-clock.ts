/** The server's clock: a browser's may be hours off, and lists of the last hour would then be empty. */

/** Clocks that are closer than this count as equal: the header has no fractions, and an answer takes its time. */
const nearMs = 2000;

let aheadMs = 0;

/** Learns the time from an answer's `Date`. */
export function learnClock({ headers }: Response): void {
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) return;
  const difference = date + 500 - Date.now();
  aheadMs = Math.abs(difference) < nearMs ? 0 : difference;
}

/** Epoch milliseconds, to about a second. Before the first answer it is the browser's time. */
export function serverNow(): number {
  return Date.now() + aheadMs;
}
