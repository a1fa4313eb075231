/** What stands behind a backslash in a regular expression. */
import { type ByteSet, blanks, complementOf, digits, wordBytes } from './pattern.ts';

export const escapedBytes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7 };
export const escapedSets: Readonly<Record<string, ByteSet>> = {
  d: digits,
  D: complementOf(digits),
  w: wordBytes,
  W: complementOf(wordBytes),
  s: blanks,
  S: complementOf(blanks),
};
