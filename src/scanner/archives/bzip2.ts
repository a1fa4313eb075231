/**
 * Decompresses bzip2 block by block. A block has at most 900 kB before its runs are expanded, so memory is bounded for
 * every file. The reader counts the output.
 * Source: the format as the bzip2 program writes it (Julian Seward, bzip2 1.0). Randomised blocks, from before 1999,
 * are refused.
 */

const pieceBytes = 256 * 1024;
const blockMark = [0x314159, 0x265359] as const;
const endMark = [0x177245, 0x385090] as const;
const symbolsOfGroup = 50;
const mostSelectors = 18_002;
const longestCode = 20;

/** Each piece stays valid until two more were requested. Throws at damage or at a cut, after yielding what comes before. */
export function* bunzipped(packed: Buffer): Generator<Buffer> {
  const bits = createBitReader(packed);
  const pieces = openPieces();
  try {
    do {
      const table = new Uint32Array(readHead(bits) * 100_000);
      while (isBlock(bits)) yield* pieces.of(readBlock(bits, table));
      bits.align();
    } while (packed.subarray(bits.at(), bits.at() + 3).toString('latin1') === 'BZh');
  } catch (error) {
    yield pieces.rest();
    throw error;
  }
  yield pieces.rest();
}

/** Returns the size of a block in units of 100 kB. */
function readHead(bits: BitReader): number {
  const isHead = bits.read(8) === 0x42 && bits.read(8) === 0x5a && bits.read(8) === 0x68;
  const size = bits.read(8) - 0x30;
  if (!isHead || size < 1 || size > 9) throw damaged('has no head');
  return size;
}

/** Returns false at the end of a stream. */
function isBlock(bits: BitReader): boolean {
  const [first, second] = [bits.read(24), bits.read(24)];
  if (first === blockMark[0] && second === blockMark[1]) return true;
  if (first !== endMark[0] || second !== endMark[1]) throw damaged('a block begins with something else');
  bits.read(16);
  bits.read(16);
  return false;
}

/**
 * A block before its last transform. Each entry has a byte in its low eight bits, and above them the index of the next
 * entry.
 */
interface Block {
  readonly table: Uint32Array;
  readonly length: number;
  readonly start: number;
}

function readBlock(bits: BitReader, table: Uint32Array): Block {
  bits.read(16);
  bits.read(16);
  if (bits.read(1) === 1)
    throw new Error('it is from before 1999 and has randomised blocks, which Ward does not support');
  const start = bits.read(24);
  const used = readUsed(bits);
  const counts = new Uint32Array(256);
  const length = readSymbols(bits, used, table, counts);
  if (start >= length) throw damaged('a block begins outside of itself');
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = counts[byte] ?? 0;
    counts[byte] = sum;
    sum += count;
  }
  for (let at = 0; at < length; at++) {
    const byte = (table[at] ?? 0) & 0xff;
    const place = counts[byte] ?? 0;
    counts[byte] = place + 1;
    table[place] = (table[place] ?? 0) | (at << 8);
  }
  return { table, length, start };
}

/** The byte values that occur in a block. */
function readUsed(bits: BitReader): Uint8Array {
  const rows = bits.read(16);
  const used: number[] = [];
  for (let row = 0; row < 16; row++) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = bits.read(16);
    for (let column = 0; column < 16; column++)
      if ((columns & (0x8000 >> column)) !== 0) used.push(row * 16 + column);
  }
  if (used.length === 0) throw damaged('a block has no bytes');
  return Uint8Array.from(used);
}

function readSymbols(bits: BitReader, used: Uint8Array, table: Uint32Array, counts: Uint32Array): number {
  const groups = bits.read(3);
  const selectors = bits.read(15);
  if (groups < 2 || groups > 6 || selectors === 0) throw damaged('a block has no codes');
  const order = readSelectors(bits, groups, selectors);
  const end = used.length + 1;
  const codes = Array.from({ length: groups }, () => readCode(bits, end + 1));
  const recent = used.slice();
  let [length, run, weight] = [0, 0, 1];
  const put = (byte: number, count: number): void => {
    if (length + count > table.length) throw damaged('a block is longer than it says');
    counts[byte] = (counts[byte] ?? 0) + count;
    table.fill(byte, length, length + count);
    length += count;
  };
  for (let at = 0; ; at++) {
    const code = codes[order[Math.floor(at / symbolsOfGroup)] ?? -1];
    if (code === undefined) throw damaged('a block has no end');
    const symbol = readSymbol(bits, code);
    if (symbol <= 1) {
      run += weight << symbol;
      if (run > table.length) throw damaged('a block is longer than it says');
      weight <<= 1;
      continue;
    }
    if (run > 0) put(recent[0] ?? 0, run);
    [run, weight] = [0, 1];
    if (symbol === end) return length;
    const place = symbol - 1;
    const byte = recent[place] ?? 0;
    recent.copyWithin(1, 0, place);
    recent[0] = byte;
    put(byte, 1);
  }
}

/** The index of the code for each group of fifty symbols. */
function readSelectors(bits: BitReader, groups: number, count: number): Uint8Array {
  const order = new Uint8Array(Math.min(count, mostSelectors));
  const recent = Uint8Array.from({ length: groups }, (_, at) => at);
  for (let at = 0; at < count; at++) {
    let place = 0;
    while (bits.read(1) === 1)
      if (++place >= groups) throw damaged('a block names a code that it does not have');
    const group = recent[place] ?? 0;
    recent.copyWithin(1, 0, place);
    recent[0] = group;
    if (at < order.length) order[at] = group;
  }
  return order;
}

/** A canonical Huffman code. */
interface Code {
  readonly shortest: number;
  /** Largest code of each length; -1 when there is none yet. */
  readonly largest: Int32Array;
  /** Index of the first symbol of each length, minus its code. */
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

function readCode(bits: BitReader, count: number): Code {
  const lengths = new Uint8Array(count);
  let length = bits.read(5);
  for (let symbol = 0; symbol < count; symbol++) {
    for (;;) {
      if (length < 1 || length > longestCode) throw damaged('a code is too long');
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const symbols = Uint16Array.from(lengths.keys()).sort(
    (a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b,
  );
  const largest = new Int32Array(longestCode + 1).fill(-1);
  const base = new Int32Array(longestCode + 1);
  const shortest = Math.min(...lengths);
  let [code, placed] = [0, 0];
  for (let each = shortest; each <= longestCode; each++) {
    const its = lengths.reduce((total, one) => total + (one === each ? 1 : 0), 0);
    base[each] = placed - code;
    code += its;
    placed += its;
    largest[each] = code - 1;
    code <<= 1;
  }
  return { shortest, largest, base, symbols };
}

function readSymbol(bits: BitReader, { shortest, largest, base, symbols }: Code): number {
  let length = shortest;
  let code = bits.read(length);
  while (code > (largest[length] ?? -1)) {
    if (++length > longestCode) throw damaged('a code means nothing');
    code = (code << 1) | bits.read(1);
  }
  const symbol = symbols[(base[length] ?? 0) + code];
  if (symbol === undefined) throw damaged('a code means nothing');
  return symbol;
}

/** Expands runs: after four equal bytes comes the number of further ones. */
function openPieces() {
  const room = [0, 1, 2].map(() => Buffer.allocUnsafeSlow(pieceBytes));
  let turn = 0;
  let used = 0;
  return {
    *of({ table, length, start }: Block): Generator<Buffer> {
      let next = (table[start] ?? 0) >>> 8;
      let [last, same] = [-1, 0];
      for (let at = 0; at < length; at++) {
        const entry = table[next] ?? 0;
        next = entry >>> 8;
        const byte = entry & 0xff;
        const isCount = same === 4;
        const value = isCount ? last : byte;
        for (let left = isCount ? byte : 1; left > 0; left--) {
          if (used === pieceBytes) {
            yield room[turn] ?? Buffer.alloc(0);
            turn = (turn + 1) % room.length;
            used = 0;
          }
          const piece = room[turn];
          if (piece !== undefined) piece[used++] = value;
        }
        same = isCount ? 0 : byte === last ? same + 1 : 1;
        last = isCount ? -1 : byte;
      }
    },
    rest: (): Buffer => (room[turn] ?? Buffer.alloc(0)).subarray(0, used),
  };
}

/** Reads the bits of bytes, the highest bit of each byte first. */
interface BitReader {
  /** Reads at most 24 bits. Throws at the end. */
  read(count: number): number;
  /** Skips to the next whole byte. */
  align(): void;
  /** Offset of the next byte; only valid after `align`. */
  at(): number;
}

function createBitReader(bytes: Buffer): BitReader {
  let at = 0;
  let held = 0;
  let count = 0;
  return {
    read: (wanted) => {
      while (count < wanted) {
        const byte = bytes[at];
        if (byte === undefined) throw new Error('it is cut short');
        at++;
        held = (held << 8) | byte;
        count += 8;
      }
      count -= wanted;
      const value = held >>> count;
      held &= (1 << count) - 1;
      return value;
    },
    align: () => {
      count -= count % 8;
    },
    at: () => at - count / 8,
  };
}

function damaged(how: string): Error {
  return new Error(`it is damaged: ${how}`);
}
