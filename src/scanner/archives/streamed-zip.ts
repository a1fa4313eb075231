/**
 * Reads a zip that is too long for memory from its start, as a stream. Programs read a zip by the directory at its end, so
 * the entries are compared with that, and any difference or gap between entries is an error. So no program finds in it what
 * was not scanned.
 * Source: APPNOTE.TXT 4.3, 4.5.3; java.util.zip.ZipFile and Python's zipimport, for bytes in front of a zip.
 */
import { giveBackAround, messageOf } from '../../lib/index.ts';
import { type ByteSource, openByteSource } from './byte-source.ts';
import { inflateSmall, inflateUntilEnd } from './streamed-inflate.ts';
import { compareDirectory, type Passed } from './streamed-zip-directory.ts';
import { type Work, WorkExceeded } from './work.ts';
import { inflateAtOnce } from './zip-entries.ts';

/** The header of an entry. */
export interface StreamedEntry {
  readonly name: string;
  readonly mode: number;
  /** Undefined when it is known only after the content. */
  readonly sizeBytes: number | undefined;
}

/** The content, whole or in pieces. Each piece stays valid until two more were requested. */
export type StreamedContent = Buffer | AsyncIterable<Buffer>;

export interface EntryTaker {
  take(entry: StreamedEntry, content: StreamedContent): Promise<void>;
  gap(name: string, why: string): void;
}

interface Header {
  readonly name: Buffer;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly packedBytes: number;
  readonly sizeBytes: number;
  /** Both sizes come after the content. */
  readonly isOpenEnded: boolean;
}

const localMark = 0x04034b50;
const localMarkBytes = Buffer.from('PK\x03\x04', 'latin1');
const descriptorMark = 0x08074b50;
const headerBytes = 30;
const storedMethod = 0;
const deflatedMethod = 8;
const zip64Field = 1;
const unknownSize = 0xffffffff;
/** The scripts in front of executable jars have some kilobytes. */
const longestPrefix = 1024 * 1024;
const fileMode = 0o644;
const shownName = 200;
/** The limit for all names, which are kept until the directory comes. */
const maxNameBytes = 32 * 1024 * 1024;

/** @throws WorkExceeded; Error when the zip is damaged, or its directory and entries differ */
export async function walkStreamedZip(
  input: AsyncIterable<Buffer>,
  work: Work,
  taker: EntryTaker,
): Promise<void> {
  const marks = openMarkWatch();
  const source = openByteSource(input, marks.see);
  const start = await skipPrefix(source);
  if (start === 0) marks.stop();
  const passed = new Map<number, Passed>();
  let names = 0;
  while ((await source.peek(4)).subarray(0, 4).equals(localMarkBytes)) {
    work.countEntry();
    const at = source.at();
    const header = await readHeader(source);
    names += header.name.length;
    if (names > maxNameBytes) throw new WorkExceeded('its names are longer than 32 MiB');
    passed.set(at, await readEntry(source, header, work, taker));
  }
  await compareDirectory(source, start, passed, marks.has);
}

/** Returns the offset of the first entry. */
async function skipPrefix(source: ByteSource): Promise<number> {
  const ahead = await source.peek(localMarkBytes.length);
  const at = ahead.indexOf(localMarkBytes);
  if (at === 0) return 0;
  const more = await source.peek(longestPrefix);
  const found = more.subarray(0, longestPrefix).indexOf(localMarkBytes);
  if (found < 0) throw new Error('no entry of a zip begins where one should');
  await source.take(found);
  return found;
}

async function readHeader(source: ByteSource): Promise<Header> {
  const head = Buffer.from(await source.take(headerBytes));
  const flags = head.readUInt16LE(6);
  const name = Buffer.from(await source.take(head.readUInt16LE(26)));
  const extra = await source.take(head.readUInt16LE(28));
  const [packed, size] = [head.readUInt32LE(18), head.readUInt32LE(22)];
  const long = packed === unknownSize || size === unknownSize ? zip64SizesOf(extra) : undefined;
  const packedBytes = packed === unknownSize ? (long?.packed ?? packed) : packed;
  return {
    name,
    method: head.readUInt16LE(8),
    isEncrypted: (flags & 1) !== 0,
    packedBytes,
    sizeBytes: size === unknownSize ? (long?.size ?? size) : size,
    isOpenEnded: (flags & 8) !== 0 && packedBytes === 0,
  };
}

function zip64SizesOf(extra: Buffer) {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== zip64Field || at + 20 > extra.length) continue;
    return { size: Number(extra.readBigUInt64LE(at + 4)), packed: Number(extra.readBigUInt64LE(at + 12)) };
  }
  return undefined;
}

async function readEntry(source: ByteSource, header: Header, work: Work, taker: EntryTaker): Promise<Passed> {
  const start = source.at();
  const { method } = header;
  const name = header.name.toString('utf8');
  const isKnown = method === storedMethod || method === deflatedMethod;
  if (header.isOpenEnded && (method !== deflatedMethod || header.isEncrypted)) {
    throw new Error(`${name.slice(0, shownName)} does not say how long it is`);
  }
  let sizeBytes = header.sizeBytes;
  if (header.isEncrypted || !isKnown) {
    const why = header.isEncrypted
      ? 'it is encrypted'
      : `it is compressed by method ${method}, which Ward does not support`;
    taker.gap(name, why);
    for await (const _ of source.pieces(header.packedBytes));
  } else if (name.endsWith('/') && header.packedBytes === 0 && !header.isOpenEnded) {
    // A folder.
  } else if (header.isOpenEnded) sizeBytes = await takeOpenEnded(source, name, work, taker);
  else await takeSized(source, header, name, work, taker);
  const packedBytes = source.at() - start;
  const hasDescriptor = header.isOpenEnded || (await isDescriptor(source, packedBytes, sizeBytes));
  if (hasDescriptor) await skipDescriptor(source, packedBytes, sizeBytes);
  return { name: header.name, method, packedBytes, sizeBytes };
}

/** @returns the unpacked length */
async function takeOpenEnded(
  source: ByteSource,
  name: string,
  work: Work,
  taker: EntryTaker,
): Promise<number> {
  const small = await inflateSmall(source);
  if (small !== undefined) {
    work.countBytes(small.length);
    const sizeBytes = small.length;
    await taker.take({ name, mode: fileMode, sizeBytes }, small);
    giveBackAround(small);
    return sizeBytes;
  }
  const { pieces, size } = counted(inflateUntilEnd(source), work);
  await taker.take({ name, mode: fileMode, sizeBytes: undefined }, pieces);
  return size();
}

async function takeSized(
  source: ByteSource,
  header: Header,
  name: string,
  work: Work,
  taker: EntryTaker,
): Promise<void> {
  const { packedBytes, sizeBytes, method } = header;
  const { longestWhole } = work.limits;
  const entry = { name, mode: fileMode, sizeBytes };
  const isStored = method === storedMethod;
  if (isStored && packedBytes !== sizeBytes) throw new Error(`${name.slice(0, shownName)} has two lengths`);
  if (packedBytes <= longestWhole && sizeBytes <= longestWhole) {
    work.countBytes(sizeBytes);
    const packed = await source.take(packedBytes);
    const shown = name.slice(0, shownName);
    try {
      const content = isStored ? packed : inflateAtOnce(shown, packed, sizeBytes);
      await taker.take(entry, content);
      // Stored content may share its memory with the bytes that follow.
      if (!isStored) giveBackAround(content);
    } catch (error) {
      if (error instanceof WorkExceeded) throw error;
      taker.gap(name, messageOf(error));
    }
    return;
  }
  const end = source.at() + packedBytes;
  const { pieces, size } = counted(isStored ? source.pieces(packedBytes) : inflateUntilEnd(source), work);
  await taker.take(entry, pieces);
  if (size() !== sizeBytes || source.at() !== end)
    throw new Error(`${name.slice(0, shownName)} is not as long as it says`);
}

function counted(input: AsyncIterable<Buffer>, work: Work) {
  let size = 0;
  async function* pieces(): AsyncGenerator<Buffer> {
    for await (const piece of input) {
      work.countBytes(piece.length);
      size += piece.length;
      yield piece;
    }
  }
  return { pieces: pieces(), size: () => size };
}

/** Looks for a descriptor even after an entry with known lengths, unless a part of the zip follows. */
async function isDescriptor(source: ByteSource, packedBytes: number, sizeBytes: number): Promise<boolean> {
  return (await descriptorLength(source, packedBytes, sizeBytes)) !== undefined;
}

async function skipDescriptor(source: ByteSource, packedBytes: number, sizeBytes: number): Promise<void> {
  const length = await descriptorLength(source, packedBytes, sizeBytes);
  if (length === undefined) throw new Error('an entry is not as long as it says');
  await source.take(length);
}

/** A data descriptor may lack its mark, and has lengths of four or eight bytes. Undefined when there is none. */
async function descriptorLength(
  source: ByteSource,
  packedBytes: number,
  sizeBytes: number,
): Promise<number | undefined> {
  const ahead = await source.peek(24);
  if (ahead.length >= 4 && ahead.readUInt32LE() === localMark) return undefined;
  for (const skipped of [8, 4]) {
    if (skipped === 8 && (ahead.length < 4 || ahead.readUInt32LE() !== descriptorMark)) continue;
    if (ahead.length < skipped + 8) continue;
    const isShort =
      packedBytes <= unknownSize &&
      sizeBytes <= unknownSize &&
      ahead.readUInt32LE(skipped) === packedBytes &&
      ahead.readUInt32LE(skipped + 4) === sizeBytes;
    const isLong =
      ahead.length >= skipped + 16 &&
      ahead.readBigUInt64LE(skipped) === BigInt(packedBytes) &&
      ahead.readBigUInt64LE(skipped + 8) === BigInt(sizeBytes);
    if (isLong) return skipped + 16;
    if (isShort) return skipped + 8;
  }
  return undefined;
}

/**
 * Remembers the offsets of directory records, and of bytes that look like one. In a zip with other bytes in front, a
 * program could take one of them for part of its directory.
 */
function openMarkWatch() {
  const mark = Buffer.from('PK\x01\x02', 'latin1');
  const most = 1_000_000;
  const places = new Set<number>();
  let tail: Buffer = Buffer.alloc(0);
  let isKept = true;
  return {
    see: (piece: Buffer, at: number): void => {
      if (!isKept) return;
      const bytes = tail.length === 0 ? piece : Buffer.concat([tail, piece]);
      const from = at - tail.length;
      for (let found = bytes.indexOf(mark); found >= 0; found = bytes.indexOf(mark, found + 1)) {
        places.add(from + found);
        if (places.size > most) throw new WorkExceeded('it has more marks of directories than Ward keeps');
      }
      tail = Buffer.from(bytes.subarray(-mark.length + 1));
    },
    /** Nothing is in front of the zip, so offsets are not ambiguous. */
    stop: (): void => {
      isKept = false;
      places.clear();
    },
    has: (place: number): boolean => places.has(place),
  };
}
