/**
 * Where in a file a zip lies. Whatever loads a program out of a zip finds it from its end, so what comes before it may be
 * anything: a script, a program, a picture. Offsets count from the start of the file, or from where the zip itself begins.
 * Sources: APPNOTE.TXT 4.3.14 to 4.3.16; java.util.zip.ZipFile and Python's zipimport, which take both.
 */
import { openRollingBytes } from '../rolling-bytes.ts';

interface ZipBounds {
  readonly start: number;
  /** Of its list of entries. */
  readonly directory: number;
  /** Behind the zip's own comment. */
  readonly end: number;
}

const endMark = Buffer.from('PK\x05\x06', 'latin1');
const end64Mark = 0x06064b50;
const locatorMark = 0x07064b50;
const recordMark = 0x02014b50;
const endBytes = 22;
const end64Bytes = 56;
const locatorBytes = 20;
const recordBytes = 46;
/** So far from the end of the file zip's end is looked for: its longest comment. */
const zipTailBytes = endBytes + 65_535;

/**
 * Undefined when there is none; a mark without a directory of entries where it says is text.
 * Throws when two programs would take two directories for the zip's.
 */
export function findZip(bytes: Buffer): ZipBounds | undefined {
  const first = Math.max(0, bytes.length - zipTailBytes);
  let at = bytes.length < endBytes ? -1 : bytes.lastIndexOf(endMark, bytes.length - endBytes);
  for (; at >= first; at = at === 0 ? -1 : bytes.lastIndexOf(endMark, at - 1)) {
    const found = startOf(bytes, at);
    if (found !== undefined) return { ...found, end: endOf(bytes, at) };
  }
  return undefined;
}

/** Where a comment is longer than what is there, it ends with the file; who reads the zip will find that out. */
function endOf(bytes: Buffer, at: number): number {
  return Math.min(bytes.length, at + endBytes + bytes.readUInt16LE(at + 20));
}

/** Undefined when there is no directory where the mark says. */
function startOf(bytes: Buffer, at: number): Omit<ZipBounds, 'end'> | undefined {
  const { directoryEnd, size, offset } = directoryOf(bytes, at);
  const directory = directoryEnd - size;
  const start = directory - offset;
  // Zeros behind a mark are an empty zip only where nothing is before them.
  if (size === 0) return at === 0 ? { start: 0, directory: 0 } : undefined;
  const isThere = (place: number): boolean =>
    place >= 0 && place + 4 <= bytes.length && bytes.readUInt32LE(place) === recordMark;
  const isBefore = start >= 0 && isThere(directory);
  const isAsSaid = isThere(offset);
  if (isBefore && isAsSaid && start !== 0) throw new Error('it can be read as two different zips');
  if (isBefore) return { start, directory };
  return isAsSaid ? { start: 0, directory: offset } : undefined;
}

interface Directory {
  /** Where it ends, when nothing is between it and the end record. */
  readonly directoryEnd: number;
  readonly size: number;
  /** As it is said to be: from the start of the file, or of the zip. */
  readonly offset: number;
}

function directoryOf(bytes: Buffer, at: number): Directory {
  const locator = at - locatorBytes;
  const end64 = locator - end64Bytes;
  if (end64 >= 0 && bytes.readUInt32LE(locator) === locatorMark && bytes.readUInt32LE(end64) === end64Mark) {
    const size = Number(bytes.readBigUInt64LE(end64 + 40));
    return { directoryEnd: end64, size, offset: Number(bytes.readBigUInt64LE(end64 + 48)) };
  }
  return { directoryEnd: at, size: bytes.readUInt32LE(at + 12), offset: bytes.readUInt32LE(at + 16) };
}

/** Whether a file that goes by in pieces ends as a zip does. Its directory need not be in memory any more. */
interface ZipEndWatch {
  /** The bytes need to stay as they are only until it returns. */
  piece(bytes: Buffer): void;
  /** After the last. */
  isZip(): boolean;
}

export function watchZipEnd(): ZipEndWatch {
  const rolling = openRollingBytes();
  let tail: Buffer = Buffer.alloc(0);
  let sizeBytes = 0;
  return {
    piece: (bytes) => {
      sizeBytes += bytes.length;
      const held = rolling.add(bytes.subarray(-zipTailBytes));
      const dropped = Math.max(0, held.length - zipTailBytes);
      rolling.drop(dropped);
      tail = held.subarray(dropped);
    },
    isZip: () => {
      for (
        let at = tail.lastIndexOf(endMark);
        at >= 0;
        at = at === 0 ? -1 : tail.lastIndexOf(endMark, at - 1)
      )
        if (at + endBytes <= tail.length && isEnd(tail, at, sizeBytes - tail.length + at)) return true;
      return false;
    },
  };
}

/** Its numbers make sense: one disk, and a directory that has room for its entries before it. */
function isEnd(bytes: Buffer, at: number, place: number): boolean {
  const entries = bytes.readUInt16LE(at + 10);
  const size = bytes.readUInt32LE(at + 12);
  if (entries === 0xffff || size === 0xffffffff) return true;
  const isOneDisk = bytes.readUInt32LE(at + 4) === 0 && bytes.readUInt16LE(at + 8) === entries;
  return isOneDisk && entries > 0 && size >= entries * recordBytes && size <= place;
}
