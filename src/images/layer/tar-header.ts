/**
 * Reads one 512-byte header of a tar archive, strictly: refuses a header that Docker, GNU tar and others would read
 * differently, so that the scanner sees exactly what will run. Sources: POSIX.1-2017, pax, "ustar Interchange
 * Format"; GNU tar manual, "Basic Tar Format".
 */
import { imageFault } from '../faults.ts';

export const blockBytes = 512;

export interface TarHeader {
  /** Bytes, because the encoding is unknown. */
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** The time of the last change, in epoch seconds; undefined when file systems could not store it. */
  readonly changedAt: number | undefined;
  /** The type flag's character. */
  readonly type: string;
  /** Major and minor number of a character device: `1:3`. */
  readonly device: string | undefined;
}

const checksumAt = 148;
const magicAt = 257;
const prefixAt = 345;
const prefixBytes = 155;
/** Schilling's tar has a shorter prefix, and marks it at the end of the block. */
const starMarkAt = 508;
const starPrefixBytes = 131;
const posixMagic = Buffer.from('ustar\0');
const gnuMagic = Buffer.from('ustar  \0');
const starMark = Buffer.from('tar\0');

/** Whether a file that starts with this block is a tar archive: whether the header's checksum is right. */
export function isTarHeader(start: Buffer): boolean {
  if (start.length < blockBytes) return false;
  // Most files have no digits there.
  if (!/^ *[0-7]{1,7}[ \0]*$/.test(start.toString('latin1', checksumAt, checksumAt + 8))) return false;
  const block = start.subarray(0, blockBytes);
  return sumOf(block) === numberAt(block, checksumAt, 8, 'checksum');
}

/** @throws Fault ARCHIVE_INVALID */
export function parseTarHeader(block: Buffer): TarHeader {
  if (sumOf(block) !== numberAt(block, checksumAt, 8, 'checksum')) throw invalidTar('a header is damaged');
  const type = String.fromCharCode(block[156] || 0x30);
  return {
    name: nameOf(block),
    linkName: textAt(block, 157, 100),
    mode: numberAt(block, 100, 8, 'mode'),
    uid: numberAt(block, 108, 8, 'owner'),
    gid: numberAt(block, 116, 8, 'group'),
    sizeBytes: numberAt(block, 124, 12, 'size'),
    changedAt: timeAt(block, 136, 12),
    type,
    device:
      type === '3' ? `${numberAt(block, 329, 8, 'device')}:${numberAt(block, 337, 8, 'device')}` : undefined,
  };
}

export function invalidTar(message: string): Error {
  return imageFault('ARCHIVE_INVALID', `not a valid tar archive: ${message}`);
}

function sumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < checksumAt; at++) sum += block[at] ?? 0;
  for (let at = checksumAt + 8; at < blockBytes; at++) sum += block[at] ?? 0;
  return sum;
}

function nameOf(block: Buffer): Buffer {
  const name = textAt(block, 0, 100);
  if (startsAt(block, magicAt, gnuMagic)) {
    // Go reads a prefix there when GNU's times are invalid.
    if (block[prefixAt] !== 0) numberAt(block, prefixAt, 12, 'access time');
    return name;
  }
  if (!startsAt(block, magicAt, posixMagic)) throw invalidTar('a header has an unknown format');
  const prefix = textAt(block, prefixAt, prefixBytes);
  if (prefix.length > starPrefixBytes && startsAt(block, starMarkAt, starMark)) {
    throw invalidTar('a name can be read in two ways');
  }
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

function startsAt(block: Buffer, at: number, bytes: Buffer): boolean {
  return block.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
}

/** Returns the bytes before the first NUL. */
function textAt(block: Buffer, at: number, length: number): Buffer {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

/** Programs do not choose files by times, so an invalid time is no reason to refuse the archive. */
function timeAt(block: Buffer, at: number, length: number): number | undefined {
  const digits = /^ *([0-7]{1,11})[ \0]*$/.exec(block.toString('latin1', at, at + length))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** Reads octal digits with blanks around them, or a positive number in base 256. */
function numberAt(block: Buffer, at: number, length: number, what: string): number {
  if (block[at] === 0x80) return binaryAt(block, at + 1, length - 1, what);
  let from = at;
  let end = at + length;
  while (from < end && block[from] === 0x20) from++;
  while (end > from && (block[end - 1] === 0x20 || block[end - 1] === 0)) end--;
  let value = 0;
  for (; from < end; from++) {
    const digit = (block[from] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) throw invalidTar(`a ${what} is not a number`);
    value = value * 8 + digit;
  }
  return value;
}

function binaryAt(block: Buffer, at: number, length: number, what: string): number {
  let value = 0;
  for (let offset = at; offset < at + length; offset++) value = value * 256 + (block[offset] ?? 0);
  if (!Number.isSafeInteger(value)) throw invalidTar(`a ${what} is too large`);
  return value;
}
