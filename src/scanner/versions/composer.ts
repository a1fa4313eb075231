/**
 * Orders Composer's versions like PHP's `version_compare`: it splits at `.`, `-`, `_`, `+`, and between digits and letters.
 * Parts rank in this order: unknown words, `dev`, `alpha`, `beta`, `RC`, the end, numbers, `pl`.
 *
 * Branches are as in Composer: `3.x-dev` is newer than all releases of 3 and older than 4; `dev-main` has no order.
 */
import { compareNumerals, versionScheme } from './scheme.ts';

/** Ranks by the first letters of a word. */
const words: readonly (readonly [start: string, rank: number])[] = [
  ['dev', 0],
  ['a', 1],
  ['b', 2],
  ['rc', 3],
  ['pl', 5],
  ['p', 5],
];
/** The numbers of a branch before its `x`. */
const branchNumbers = /^\d+(?:\.\d+){0,2}(?=(?:\.[x*]){1,3}[.-]?dev$)/;
/** What Composer puts in place of each `x`. */
const branchNumber = '9999999';
const unknownRank = -1;
const numberRank = 4;

export const composer = versionScheme<readonly string[]>(parse, (a, b) => {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = compareParts(a[i] ?? '', b[i] ?? '');
    if (difference !== 0) return difference;
  }
  if (a.length === b.length) return 0;
  return a.length > b.length ? signOfRest(a[b.length]) : -signOfRest(b[a.length]);
});

function parse(text: string): readonly string[] | undefined {
  const trimmed = text.trim().replace(/^v/i, '').toLowerCase();
  // Releases begin with a number.
  if (!/^\d\S*$/.test(trimmed)) return undefined;
  const numbers = branchNumbers.exec(trimmed)?.[0].split('.');
  if (numbers === undefined) return trimmed.match(/\d+|[^\d._+-]+/g) ?? undefined;
  return [0, 1, 2, 3].map((at) => numbers[at] ?? branchNumber).concat('dev');
}

function compareParts(a: string, b: string): number {
  if (isNumber(a) && isNumber(b)) return compareNumerals(a, b);
  return rankOf(a) - rankOf(b);
}

/** The longer version is newer, unless it goes on with a pre-release word. */
function signOfRest(part: string | undefined): number {
  return part === undefined || isNumber(part) || rankOf(part) > numberRank ? 1 : -1;
}

function rankOf(part: string): number {
  if (isNumber(part)) return numberRank;
  return words.find(([start]) => part.startsWith(start))?.[1] ?? unknownRank;
}

function isNumber(part: string): boolean {
  return /^\d/.test(part);
}
