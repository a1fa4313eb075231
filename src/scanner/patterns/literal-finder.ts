/**
 * Finds any of many short strings in bytes, in either case, in one pass that looks at about every third byte: Wu and
 * Manber's method, with the rarest four bytes of each string as what is looked for.
 * Source: Wu, Manber, "A Fast Algorithm for Multi-Pattern Searching", 1994.
 */
import { foldByte, rarityOf, shortestAtom } from './atoms.ts';

export interface LiteralFinder {
  /** Tells of every string that begins at `from` or after it, and before `to`. They come in no particular order. */
  find(bytes: Uint8Array, from: number, to: number, found: (literal: number, at: number) => void): void;
}

interface Literal {
  readonly bytes: Uint8Array;
  /** Where in it its four rarest bytes begin. */
  readonly window: number;
}

const tableSize = 0x1_0000;

/** @param strings In lower case, each of at least `shortestAtom` bytes. */
export function createLiteralFinder(strings: readonly Uint8Array[]): LiteralFinder {
  const literals = strings.map((bytes): Literal => ({ bytes, window: rarestWindow(bytes) }));
  const longest = Math.max(0, ...strings.map(({ length }) => length));
  const shifts = shiftsOf(literals);
  const { heads, following } = bucketsOf(literals);

  const startsAt = ({ bytes }: Literal, text: Uint8Array, at: number): boolean => {
    if (at < 0 || at + bytes.length > text.length) return false;
    for (let index = 0; index < bytes.length; index++) {
      if (foldByte(text[at + index] ?? 0) !== bytes[index]) return false;
    }
    return true;
  };

  return {
    find: (text, from, to, found) => {
      const last = Math.min(text.length, to + longest) - 1;
      // `at` is where the last two bytes of a window of four would be.
      let at = from + shortestAtom - 2;
      while (at < last) {
        const shift = shifts[((text[at] ?? 0) << 8) | (text[at + 1] ?? 0)] ?? 0;
        if (shift !== 0) {
          at += shift;
          continue;
        }
        let index = heads[hashAt(text, at - 2)] ?? -1;
        while (index >= 0) {
          const literal = literals[index];
          const start = literal === undefined ? -1 : at - 2 - literal.window;
          if (literal !== undefined && start >= from && start < to && startsAt(literal, text, start)) {
            found(index, start);
          }
          index = following[index] ?? -1;
        }
        at++;
      }
    },
  };
}

/** By how much the window may move on when its last two bytes are these; 0: it may be one that is looked for. */
function shiftsOf(literals: readonly Literal[]): Uint8Array {
  const shifts = new Uint8Array(tableSize).fill(shortestAtom - 1);
  for (const { bytes, window } of literals) {
    for (let offset = 0; offset < shortestAtom - 1; offset++) {
      for (const first of casesOf(bytes[window + offset] ?? 0)) {
        for (const second of casesOf(bytes[window + offset + 1] ?? 0)) {
          const pair = (first << 8) | second;
          shifts[pair] = Math.min(shifts[pair] ?? 0, shortestAtom - 2 - offset);
        }
      }
    }
  }
  return shifts;
}

/** Literals by the hash of their window, as linked lists. */
function bucketsOf(literals: readonly Literal[]): { heads: Int32Array; following: Int32Array } {
  const heads = new Int32Array(tableSize).fill(-1);
  const following = new Int32Array(literals.length).fill(-1);
  literals.forEach(({ bytes, window }, index) => {
    const hash = hashAt(bytes, window);
    following[index] = heads[hash] ?? -1;
    heads[hash] = index;
  });
  return { heads, following };
}

/** The same for either case of a letter. */
function hashAt(bytes: Uint8Array, at: number): number {
  const word =
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24) |
    0x2020_2020;
  return Math.imul(word, 0x9e37_79b1) >>> 16;
}

function casesOf(byte: number): readonly number[] {
  return byte >= 0x61 && byte <= 0x7a ? [byte, byte - 0x20] : [byte];
}

function rarestWindow(bytes: Uint8Array): number {
  let best = 0;
  let bestScore = -1;
  for (let start = 0; start + shortestAtom <= bytes.length; start++) {
    let score = 0;
    for (const byte of bytes.subarray(start, start + shortestAtom)) score += rarityOf(byte);
    if (score > bestScore) [best, bestScore] = [start, score];
  }
  return best;
}
