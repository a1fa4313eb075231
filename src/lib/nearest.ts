/** Finds the most likely intended name, for "did you mean". */

/** Longer names are not compared. */
const maxLength = 256;

/** The candidate with the fewest typing errors between it and `typed`, if they are few; undefined otherwise. */
export function nearestName(typed: string, candidates: Iterable<string>): string | undefined {
  if (typed.length > maxLength) return undefined;
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > maxLength || Math.abs(candidate.length - typed.length) >= fewest) continue;
    const slips = slipsBetween(typed.toLowerCase(), candidate.toLowerCase());
    if (slips < fewest) [nearest, fewest] = [candidate, slips];
  }
  return nearest;
}

/** The Damerau-Levenshtein distance: letters left out, added, changed, or two swapped. */
function slipsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const costs = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1;
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      costs[column] = Math.min(
        at(rows, row - 1, column) + 1,
        (costs[column - 1] ?? 0) + 1,
        at(rows, row - 1, column - 1) + change,
        isSwap ? at(rows, row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    rows.push(costs);
  }
  return at(rows, a.length, b.length);
}

function at(rows: readonly number[][], row: number, column: number): number {
  return rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
}
