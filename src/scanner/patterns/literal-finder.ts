/**
 * Finds any of many short strings in bytes in one pass, ignoring case. It looks up three bytes at every second offset in a
 * hash table: of the rarest four bytes of a string, either the first or the last three are at such an offset. That loop
 * sees all bytes of a scan, so it is WebAssembly (docs/decisions.md, 29). It gets copies of the bytes and returns
 * candidates, which are verified here.
 */
import { readFileSync } from 'node:fs';
import { foldByte, rarityOf, shortestAtom } from './atoms.ts';

export interface LiteralFinder {
  /**
   * Calls `found` for every string that begins at or after `from`, and before `to`, in no particular order. `found` must
   * not search with the same finder.
   */
  find(bytes: Uint8Array, from: number, to: number, found: (literal: number, at: number) => void): void;
}

const gramBytes = 3;
const stride = shortestAtom - gramBytes + 1;
const tableSize = 0x1_0000;

/** Memory of the loop: first a byte for each hash, then a word for each hash, then two tables of half bytes. */
const headsAt = tableSize;
const lowsAt = headsAt + tableSize * 4;
const highsAt = lowsAt + 16;
/** The loop may read one byte before the text, and some after it. */
const textAt = highsAt + 16 + 16;
const textBytes = 64 * 1024;
const gramsAt = textAt + textBytes + 16;
/** Words of a gram: the rarest four bytes, their distance before it, the literal, the distance of its start, the next. */
const gramWords = 5;
const candidateBytes = 8;
/** Room for candidates, besides those of one offset. */
const candidates = 1024;
const pageBytes = 0x1_0000;

const loop = new WebAssembly.Module(readFileSync(new URL('./literal-finder.wasm', import.meta.url)));

interface Loop {
  readonly next: { readonly value: number };
  search(at: number, end: number, out: number, full: number): number;
}

/** @param strings in lower case, each with at least `shortestAtom` bytes */
export function createLiteralFinder(strings: readonly Uint8Array[]): LiteralFinder {
  const longest = Math.max(0, ...strings.map(({ length }) => length));
  const grams = strings.length * stride;
  const outAt = gramsAt + grams * gramWords * 4;
  const fullAt = outAt + candidates * candidateBytes;
  const memory = new WebAssembly.Memory({
    initial: Math.ceil((fullAt + (grams + 1) * candidateBytes) / pageBytes),
  });
  const words = new Int32Array(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  writeGrams(strings, bytes, words);
  writeHalves(strings, bytes);
  const { search, next } = loopOn(memory);

  const isAt = (literal: number, text: Uint8Array, start: number): boolean => {
    const string = strings[literal];
    if (string === undefined || start + string.length > text.length) return false;
    for (let index = 0; index < string.length; index++) {
      if (foldByte(text[start + index] ?? 0) !== string[index]) return false;
    }
    return true;
  };

  return {
    find: (text, from, to, found) => {
      const end = Math.min(text.length - gramBytes + 1, to + longest);
      let at = from;
      while (at < end) {
        const stop = Math.min(end, at + textBytes);
        const first = Math.max(0, at - 1);
        bytes.set(text.subarray(first, stop + gramBytes), textAt + first - at);
        const shift = at - textAt;
        while (at < stop) {
          const outEnd = search(at - shift, stop - shift, outAt, fullAt);
          at = next.value + shift;
          for (let word = outAt / 4; word < outEnd / 4; word += 2) {
            const literal = words[word] ?? 0;
            const start = (words[word + 1] ?? 0) + shift;
            if (start >= from && start < to && isAt(literal, text, start)) found(literal, start);
          }
        }
      }
    },
  };
}

function loopOn(memory: WebAssembly.Memory): Loop {
  // Ward's own module exports these two.
  return new WebAssembly.Instance(loop, { finder: { memory } }).exports as Loop;
}

/** Writes a linked list for each hash; 0 ends a list. */
function writeGrams(strings: readonly Uint8Array[], bytes: Uint8Array, words: Int32Array): void {
  let gram = gramsAt;
  strings.forEach((string, literal) => {
    const window = rarestWindow(string);
    for (let back = 0; back < stride; back++) {
      const hash = hashOf(wordAt(string, window + back));
      const head = headsAt / 4 + hash;
      const next = words[head] ?? 0;
      words.set([wordAt(string, window) | 0x2020_2020, back, literal, window + back, next], gram / 4);
      words[head] = gram;
      bytes[hash] = 1;
      gram += gramWords * 4;
    }
  });
}

/**
 * Writes the bytes that may be among the rarest four as two tables: the allowed high halves for each low half, and a bit
 * for each high half. Eight bits must do for sixteen halves, so the two cases of letters share a bit, and so do bytes that
 * are rare in text. Source: Langdale and Lemire, "Parsing gigabytes of JSON per second", 3.1.2.
 */
function writeHalves(strings: readonly Uint8Array[], bytes: Uint8Array): void {
  const bits = [0, 1, 2, 3, 4, 5, 4, 5, 6, 6, 6, 6, 7, 7, 7, 7].map((bit) => 1 << bit);
  bytes.set(bits, highsAt);
  for (const string of strings) {
    const window = rarestWindow(string);
    for (const byte of string.subarray(window, window + shortestAtom)) {
      const low = lowsAt + (byte & 15);
      bytes[low] = (bytes[low] ?? 0) | (bits[byte >>> 4] ?? 0);
    }
  }
}

/** The hash of the three low bytes of a word, as in the loop. It ignores the case of letters. */
function hashOf(word: number): number {
  return Math.imul(word | 0x20_2020, 0x3779_b100) >>> 16;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return [3, 2, 1, 0].reduce((word, index) => (word << 8) | (bytes[at + index] ?? 0), 0);
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
