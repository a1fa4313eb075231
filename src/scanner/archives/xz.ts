/**
 * Decompresses xz chunk by chunk. It supports LZMA2 alone, which nearly all files use, and no filters for executables. It
 * ignores checksums, since the output is scanned whether it is intact or not.
 * Source: The .xz File Format, 1.2.1; LZMA2 as XZ Embedded documents it.
 */
import { createLzmaModel, type LzmaModel, type Window } from './lzma.ts';

const streamMark = Buffer.from('\xfd7zXZ\0', 'latin1');
const streamEnds = 12;
const lzma2 = 0x21;
const chunkBytes = 2 * 1024 * 1024;
const mebibyte = 1024 * 1024;
/** The dictionary of `xz -9`. */
const mostDictionary = 64 * mebibyte;
const smallestDictionary = 4096;
const unknownLength = 0xffff_ffff_ffff_ffffn;
const checkBytes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/** Each piece stays valid until two more were requested. Throws at damage or at a cut, after yielding what comes before. */
export function* unxzed(packed: Buffer): Generator<Buffer> {
  const reader = readerOf(packed);
  while (reader.left() > 0) {
    const head = reader.bytes(streamEnds);
    if (!head.subarray(0, streamMark.length).equals(streamMark)) throw damaged();
    const check = checkBytes[(head[7] ?? 0) & 0xf] ?? 0;
    for (let size = reader.byte(); size !== 0; size = reader.byte()) {
      const dictionary = readBlockHead(reader.bytes((size + 1) * 4 - 1));
      const start = reader.at();
      yield* readChunks(reader, dictionary);
      reader.bytes(padding(reader.at() - start) + check);
    }
    skipIndex(reader);
    reader.bytes(streamEnds);
    // Several streams may follow each other with zeros between them.
    while (reader.left() >= 4 && reader.peek() === 0) reader.bytes(4);
  }
}

/**
 * Decompresses the predecessor of xz: one stream, which gives its length or ends by itself. Each piece stays valid until
 * two more were requested. Throws at damage or at a cut, after yielding what comes before.
 * Source: Igor Pavlov's LZMA specification, "lzma file format".
 */
export function* unlzmaed(packed: Buffer): Generator<Buffer> {
  const reader = readerOf(packed);
  const props = reader.byte();
  const dictionary = Math.max(smallestDictionary, reader.bytes(4).readUInt32LE());
  const said = reader.bytes(8).readBigUInt64LE();
  requireSmall(dictionary);
  const bytes = Buffer.allocUnsafeSlow(dictionary + 3 * chunkBytes);
  const window: Window = { bytes, at: 0, reach: 0, maxReach: dictionary };
  const model = createLzmaModel();
  model.reset(props);
  model.begin(reader.bytes(reader.left()));
  let left = said === unknownLength ? Number.MAX_SAFE_INTEGER : Number(said);
  for (let hasEnded = false; !hasEnded && left > 0; left -= chunkBytes) {
    const from = window.at;
    let failure: unknown;
    try {
      hasEnded = model.some(Math.min(chunkBytes, left), window);
    } catch (error) {
      failure = error;
    }
    yield between(window, from);
    if (failure !== undefined) throw failure;
  }
}

/** The bytes written since `from`. */
function between({ bytes, at }: Window, from: number): Buffer {
  return at >= from ? bytes.subarray(from, at) : Buffer.concat([bytes.subarray(from), bytes.subarray(0, at)]);
}

/** Returns the size of the dictionary. */
function readBlockHead(head: Buffer): number {
  const reader = readerOf(head);
  const flags = reader.byte();
  if ((flags & 0x40) !== 0) readNumber(reader);
  if ((flags & 0x80) !== 0) readNumber(reader);
  const filter = readNumber(reader);
  if ((flags & 3) !== 0 || filter !== lzma2) throw new Error('it has a filter that Ward does not support');
  if (readNumber(reader) !== 1) throw damaged();
  const bits = reader.byte();
  if (bits > 40) throw damaged();
  const size = bits === 40 ? 0xffffffff : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
  requireSmall(size);
  return size;
}

function requireSmall(dictionary: number): void {
  if (dictionary <= mostDictionary) return;
  const needed = Math.ceil(dictionary / mebibyte);
  throw new Error(`it needs ${needed} MiB of memory, and at most ${mostDictionary / mebibyte} are allowed`);
}

function* readChunks(reader: Reader, dictionary: number): Generator<Buffer> {
  // Room for two chunks that were yielded and for the current one.
  const bytes = Buffer.allocUnsafeSlow(dictionary + 3 * chunkBytes);
  const window: Window = { bytes, at: 0, reach: 0, maxReach: dictionary };
  const model = createLzmaModel();
  for (let control = reader.byte(); control !== 0; control = reader.byte()) {
    const from = window.at;
    readChunk(reader, control, model, window);
    yield between(window, from);
  }
}

function readChunk(reader: Reader, control: number, model: LzmaModel, window: Window): void {
  const size = reader.short() + 1;
  if (control < 0x80) {
    if (control > 2) throw damaged();
    if (control === 1) window.reach = 0;
    copyInto(window, reader.bytes(size));
    return;
  }
  const length = ((control & 0x1f) << 16) + size;
  const packedLength = reader.short() + 1;
  const resets = (control >> 5) & 3;
  if (resets === 3) window.reach = 0;
  if (resets >= 2) model.reset(reader.byte());
  else if (resets === 1) model.reset();
  model.decode(reader.bytes(packedLength), length, window);
}

function copyInto(window: Window, stored: Buffer): void {
  const first = stored.copy(window.bytes, window.at);
  stored.copy(window.bytes, 0, first);
  window.at = (window.at + stored.length) % window.bytes.length;
  window.reach = Math.min(window.maxReach, window.reach + stored.length);
}

/** The caller has read its first byte, a zero. */
function skipIndex(reader: Reader): void {
  const start = reader.at() - 1;
  for (let left = readNumber(reader); left > 0; left--) {
    readNumber(reader);
    readNumber(reader);
  }
  reader.bytes(padding(reader.at() - start) + 4);
}

function padding(length: number): number {
  return (4 - (length % 4)) % 4;
}

/** Seven bits per byte, lowest first. */
function readNumber(reader: Reader): number {
  let value = 0;
  for (let power = 0; power < 7; power++) {
    const byte = reader.byte();
    value += (byte & 0x7f) * 2 ** (7 * power);
    if (byte < 0x80) return value;
  }
  throw damaged();
}

type Reader = ReturnType<typeof readerOf>;

function readerOf(bytes: Buffer) {
  let at = 0;
  const take = (count: number): Buffer => {
    if (at + count > bytes.length) throw new Error('it is cut short');
    at += count;
    return bytes.subarray(at - count, at);
  };
  return {
    bytes: take,
    byte: (): number => take(1)[0] ?? 0,
    short: (): number => take(2).readUInt16BE(),
    peek: (): number => bytes[at] ?? 0,
    at: (): number => at,
    left: (): number => bytes.length - at,
  };
}

function damaged(): Error {
  return new Error('it is damaged');
}
