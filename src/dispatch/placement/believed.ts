/**
 * How large an invoker can say that it is. One that was taken over would otherwise draw the jobs of others to itself
 * with memory and processors that it does not have.
 */
export interface Size {
  readonly memoryMiB: number;
  readonly processors: number;
}

/** So many times the median are believed: the machines of a cluster differ, but seldom more. */
const timesMedian = 4;

/** Returns the most that is believed of any of them. The half that is smaller decides, so one alone changes little. */
export function mostBelieved(claims: readonly Size[]): Size {
  return {
    memoryMiB: timesMedian * lowerMedian(claims.map(({ memoryMiB }) => memoryMiB)),
    processors: timesMedian * lowerMedian(claims.map(({ processors }) => processors)),
  };
}

/** Of two in the middle, the smaller. */
function lowerMedian(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor((values.length - 1) / 2)] ?? 0;
}
