/**
 * Finds any of many short strings in bytes, in either case, in one pass. Three bytes at every second place are looked
 * up in a table of hashes: of the rarest four bytes of a string, either the first three or the last three stand at
 * such a place. The places don't depend on what was found, so that a processor can look at many at once.
 */
import { foldByte, rarityOf, shortestAtom } from './atoms.ts';

export interface LiteralFinder {
  /** Tells of every string that begins at `from` or after it, and before `to`. They come in no particular order. */
  find(bytes: Uint8Array, from: number, to: number, found: (literal: number, at: number) => void): void;
}

const gramBytes = 3;
const stride = shortestAtom - gramBytes + 1;
const tableSize = 0x1_0000;

/** @param strings In lower case, each of at least `shortestAtom` bytes. */
export function createLiteralFinder(strings: readonly Uint8Array[]): LiteralFinder {
  const longest = Math.max(0, ...strings.map(({ length }) => length));
  const { isKnown, heads, literals, offsets, following } = gramsOf(strings);

  const isAt = (literal: number, text: Uint8Array, start: number): boolean => {
    const bytes = strings[literal];
    if (bytes === undefined || start + bytes.length > text.length) return false;
    for (let index = 0; index < bytes.length; index++) {
      if (foldByte(text[start + index] ?? 0) !== bytes[index]) return false;
    }
    return true;
  };

  const tell = (text: Uint8Array, at: number, tellOf: (literal: number, start: number) => void): void => {
    for (let gram = heads[hashAt(text, at)] ?? -1; gram >= 0; gram = following[gram] ?? -1) {
      const literal = literals[gram] ?? 0;
      const start = at - (offsets[gram] ?? 0);
      if (isAt(literal, text, start)) tellOf(literal, start);
    }
  };

  return {
    find: (text, from, to, found) => {
      const inside = (literal: number, start: number): void => {
        if (start >= from && start < to) found(literal, start);
      };
      const view = new DataView(text.buffer, text.byteOffset, text.length);
      const end = Math.min(text.length - gramBytes + 1, to + longest);
      let at = from;
      for (; at < end; at += stride) {
        at = nextKnown(isKnown, view, at, end);
        if (at < end) tell(text, at, inside);
      }
    },
  };
}

/** The first place from `at` on, by strides, whose bytes are in the table; `end` or one more when there is none. */
function nextKnown(isKnown: Uint8Array, view: DataView, at: number, end: number): number {
  let next = at;
  const last = Math.min(end, view.byteLength - 3);
  while (next < last && isKnown[hashOf(view.getInt32(next, true))] === 0) next += stride;
  return next;
}

/** Which literals have grams of a hash, and where: linked lists in arrays, because they are asked for so often. */
function gramsOf(strings: readonly Uint8Array[]) {
  const isKnown = new Uint8Array(tableSize);
  const heads = new Int32Array(tableSize).fill(-1);
  const literals = new Int32Array(strings.length * stride);
  const offsets = new Int32Array(literals.length);
  const following = new Int32Array(literals.length);
  let gram = 0;
  strings.forEach((bytes, literal) => {
    const window = rarestWindow(bytes);
    for (let offset = window; offset < window + stride; offset++) {
      const hash = hashAt(bytes, offset);
      literals[gram] = literal;
      offsets[gram] = offset;
      following[gram] = heads[hash] ?? -1;
      heads[hash] = gram++;
      isKnown[hash] = 1;
    }
  });
  return { isKnown, heads, literals, offsets, following };
}

/** Of the three low bytes of a word; the same for either case of a letter. */
function hashOf(word: number): number {
  return Math.imul((word & 0xff_ffff) | 0x20_2020, 0x9e37_79b1) >>> 16;
}

function hashAt(bytes: Uint8Array, at: number): number {
  return hashOf((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16));
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
