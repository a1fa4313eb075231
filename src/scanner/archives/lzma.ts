/**
 * Decodes LZMA chunks into a window from which later chunks copy. Memory is bounded by the window and the model.
 * Source: Igor Pavlov's LZMA specification (lzma-specification.txt).
 */

/** The last decoded bytes. It has room for the dictionary and for bytes that were not handed out yet. */
export interface Window {
  readonly bytes: Buffer;
  /** Index of the next byte. */
  at: number;
  /** The longest distance of a match. */
  reach: number;
  readonly maxReach: number;
}

export interface LzmaModel {
  /** Resets the probabilities. @param props as encoded in a chunk; undefined to keep the last ones */
  reset(props?: number): void;
  /** Throws when the chunk is damaged or does not have this length. */
  decode(packed: Buffer, length: number, window: Window): void;
  /** Starts to decode other bytes. */
  begin(packed: Buffer): void;
  /** Decodes at most this many bytes. Returns whether the end marker was reached. Throws when the bytes are damaged. */
  some(length: number, window: Window): boolean;
}

const half = 1024;
const states = 12;
const positions = 16;
const isMatch = 0;
const isRep = isMatch + states * positions;
const isRep0 = isRep + states;
const isRep1 = isRep0 + states;
const isRep2 = isRep1 + states;
const isRep0Long = isRep2 + states;
const slots = isRep0Long + states * positions;
const special = slots + 4 * 64;
const align = special + 128;
const lengths = align + 16;
const lengthModel = 2 + positions * 8 * 2 + 256;
const repLengths = lengths + lengthModel;
const literals = repLengths + lengthModel;
const mostLiteralBits = 4;
/** The distance that marks the end. */
const endDistance = 0xffffffff;

export function createLzmaModel(): LzmaModel {
  const odds = new Uint16Array(literals + (0x300 << mostLiteralBits));
  let [literalContext, literalPosition, positionMask] = [0, 0, 0];
  let [state, rep0, rep1, rep2, rep3] = [0, 0, 0, 0, 0];
  let input: Buffer = Buffer.alloc(0);
  let [next, range, code] = [0, 0, 0];

  const bit = (index: number): number => {
    if (range < 0x1000000) {
      range = (range << 8) >>> 0;
      code = ((code << 8) | (input[next++] ?? 0)) >>> 0;
    }
    const odd = odds[index] ?? 0;
    const bound = (range >>> 11) * odd;
    if (code < bound) {
      range = bound;
      odds[index] = odd + ((2048 - odd) >> 5);
      return 0;
    }
    range -= bound;
    code -= bound;
    odds[index] = odd - (odd >> 5);
    return 1;
  };

  const direct = (count: number): number => {
    let value = 0;
    for (let left = count; left > 0; left--) {
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | (input[next++] ?? 0)) >>> 0;
      }
      range >>>= 1;
      const isOne = code >= range;
      if (isOne) code -= range;
      value = (value << 1) | (isOne ? 1 : 0);
    }
    return value;
  };

  const tree = (base: number, bits: number): number => {
    let node = 1;
    for (let left = bits; left > 0; left--) node = (node << 1) | bit(base + node);
    return node - (1 << bits);
  };

  const reverseTree = (base: number, bits: number): number => {
    let [node, value] = [1, 0];
    for (let at = 0; at < bits; at++) {
      const one = bit(base + node);
      node = (node << 1) | one;
      value |= one << at;
    }
    return value;
  };

  const lengthOf = (base: number, position: number): number => {
    if (bit(base) === 0) return 2 + tree(base + 2 + position * 8, 3);
    if (bit(base + 1) === 0) return 10 + tree(base + 2 + (positions + position) * 8, 3);
    return 18 + tree(base + 2 + positions * 16, 8);
  };

  const distanceOf = (length: number): number => {
    const slot = tree(slots + Math.min(length - 2, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const start = (2 | (slot & 1)) << bits;
    if (slot < 14) return start + reverseTree(special + start - slot, bits);
    return (start >>> 0) + direct(bits - 4) * 16 + reverseTree(align, 4);
  };

  const literal = (window: Window, position: number): void => {
    const { bytes } = window;
    const before = window.reach === 0 ? 0 : (bytes[back(window, 0)] ?? 0);
    const context =
      ((position & ((1 << literalPosition) - 1)) << literalContext) + (before >> (8 - literalContext));
    const base = literals + 0x300 * context;
    let symbol = 1;
    if (state >= 7) {
      let match = bytes[back(window, rep0)] ?? 0;
      while (symbol < 0x100) {
        const expected = (match >> 7) & 1;
        match <<= 1;
        const one = bit(base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | one;
        if (one !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | bit(base + symbol);
    put(window, symbol & 0xff);
    state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  };

  /** Returns the length of a match. */
  const matched = (position: number): number => {
    if (bit(isRep + state) === 0) {
      [rep3, rep2, rep1] = [rep2, rep1, rep0];
      const length = lengthOf(lengths, position);
      rep0 = distanceOf(length);
      state = state < 7 ? 7 : 10;
      return length;
    }
    if (bit(isRep0 + state) === 0) {
      if (bit(isRep0Long + state * positions + position) === 0) {
        state = state < 7 ? 9 : 11;
        return 1;
      }
    } else if (bit(isRep1 + state) === 0) {
      [rep0, rep1] = [rep1, rep0];
    } else if (bit(isRep2 + state) === 0) {
      [rep0, rep1, rep2] = [rep2, rep0, rep1];
    } else {
      [rep0, rep1, rep2, rep3] = [rep3, rep0, rep1, rep2];
    }
    state = state < 7 ? 8 : 11;
    return lengthOf(repLengths, position);
  };

  let written = 0;
  /** Bytes of the current match that are still to be copied. */
  let pending = 0;

  const begin = (packed: Buffer): void => {
    input = packed;
    next = 5;
    range = 0xffffffff;
    code = packed.length < 5 ? 0 : packed.readUInt32BE(1);
    pending = 0;
  };
  const some = (length: number, window: Window): boolean => {
    let left = length;
    while (left > 0) {
      if (pending > 0) {
        const count = Math.min(pending, left);
        for (let each = count; each > 0; each--) put(window, window.bytes[back(window, rep0)] ?? 0);
        pending -= count;
        left -= count;
        written += count;
        continue;
      }
      if (next > input.length) throw new Error('it is damaged');
      const position = written & positionMask;
      if (bit(isMatch + state * positions + position) === 0) {
        literal(window, written);
        left--;
        written++;
        continue;
      }
      pending = matched(position);
      if (rep0 === endDistance) {
        pending = 0;
        return true;
      }
      if (rep0 >= window.reach) throw new Error('it is damaged');
    }
    return false;
  };

  return {
    begin,
    some,
    reset: (props) => {
      if (props !== undefined) {
        literalContext = props % 9;
        literalPosition = Math.floor(props / 9) % 5;
        const positionBits = Math.floor(props / 45);
        if (positionBits > 4 || literalContext + literalPosition > mostLiteralBits)
          throw new Error('it is damaged');
        positionMask = (1 << positionBits) - 1;
      }
      odds.fill(half);
      [state, rep0, rep1, rep2, rep3] = [0, 0, 0, 0, 0];
      written = 0;
    },
    decode: (packed, length, window) => {
      begin(packed);
      if (some(length, window) || pending > 0) throw new Error('it is damaged');
    },
  };
}

function back({ bytes, at }: Window, distance: number): number {
  const place = at - 1 - distance;
  return place < 0 ? place + bytes.length : place;
}

function put(window: Window, byte: number): void {
  window.bytes[window.at] = byte;
  window.at = window.at + 1 === window.bytes.length ? 0 : window.at + 1;
  if (window.reach < window.maxReach) window.reach++;
}
