/**
 * Finds a zip in a file. Programs find a zip from its end, so anything may come in front: a script, a program, a picture.
 * Offsets count from the start of the file or of the zip itself.
 * Sources: APPNOTE.TXT 4.3.14 to 4.3.16; java.util.zip.ZipFile and Python's zipimport, which accept both.
 */
import { openRollingBytes } from '../rolling-bytes.ts';

interface ZipBounds {
  readonly start: number;
  /** Offset of the directory. */
  readonly directory: number;
  /** Offset after the comment of the zip. */
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
/** The longest distance of the end record from the end of the file: its longest comment. */
const zipTailBytes = endBytes + 65_535;

/**
 * Undefined when there is no zip. A mark without a directory at its offset is just text.
 * Throws when two programs could pick different directories.
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

/** A comment that claims to be longer ends with the file. The reader of the zip will notice. */
function endOf(bytes: Buffer, at: number): number {
  return Math.min(bytes.length, at + endBytes + bytes.readUInt16LE(at + 20));
}

/** Undefined when no directory is where the mark says. */
function startOf(bytes: Buffer, at: number): Omit<ZipBounds, 'end'> | undefined {
  const { directoryEnd, size, offset } = directoryOf(bytes, at);
  const directory = directoryEnd - size;
  const start = directory - offset;
  // Zeros after a mark are an empty zip only at the start of the file.
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
  /** Its end, if nothing is between it and the end record. */
  readonly directoryEnd: number;
  readonly size: number;
  /** Offset from the start of the file or of the zip. */
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

/** Detects the end of a zip in a streamed file. The directory may have left memory by then. */
interface ZipEndWatch {
  /** The bytes may change after the call. */
  piece(bytes: Buffer): void;
  /** Called after the last piece. */
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

/** The numbers are plausible: one disk, and a directory with room for its entries in front. */
function isEnd(bytes: Buffer, at: number, place: number): boolean {
  const entries = bytes.readUInt16LE(at + 10);
  const size = bytes.readUInt32LE(at + 12);
  if (entries === 0xffff || size === 0xffffffff) return true;
  const isOneDisk = bytes.readUInt32LE(at + 4) === 0 && bytes.readUInt16LE(at + 8) === entries;
  return isOneDisk && entries > 0 && size >= entries * recordBytes && size <= place;
}
