/**
 * What kind of archive or compressed file something is, by its bytes: names are whoever made it's to choose.
 * Sources: APPNOTE.TXT; RFC 1952; RFC 8878; POSIX.1-2017, pax; the format documents of xz, bzip2, 7-Zip, RAR, LZ4, lzip, lzop, compress(1) and lzma.
 */
import { formOf, isTarHeader } from '../../images/index.ts';
import { findZip } from './zip-bounds.ts';

export const openedForms = ['zip', 'gzip', 'zstd', 'bzip2', 'xz', 'lzma', 'tar'] as const;
export type OpenedForm = (typeof openedForms)[number];
/** Of one file each, which may be a tar. */
export type CompressedForm = Exclude<OpenedForm, 'zip' | 'tar'>;
/** Nothing here can open the others, and programs that people have open all of them. */
export type ArchiveForm = OpenedForm | '7z' | 'rar' | 'lz4' | 'lzip' | 'lzop' | 'compress';

const marks: readonly (readonly [form: ArchiveForm, mark: Buffer])[] = [
  ['zip', Buffer.from('PK\x03\x04', 'latin1')],
  ['zip', Buffer.from('PK\x05\x06', 'latin1')],
  ['gzip', Buffer.from('\x1f\x8b\x08', 'latin1')],
  ['xz', Buffer.from('\xfd7zXZ\0', 'latin1')],
  ['7z', Buffer.from("7z\xbc\xaf'\x1c", 'latin1')],
  ['rar', Buffer.from('Rar!\x1a\x07', 'latin1')],
  ['lz4', Buffer.from('\x04"M\x18', 'latin1')],
  ['lzip', Buffer.from('LZIP\x01', 'latin1')],
  ['lzop', Buffer.from('\x89LZO\0\r\n\x1a\n', 'latin1')],
];
const bzip2Start = Buffer.from('BZh');
/** Of a block, and of the end, behind the start and a digit. */
const bzip2Marks = [Buffer.from('1AY&SY'), Buffer.from('\x17rE8P\x90', 'latin1')];

/** By how it begins: what may have something else before it is not told by that. */
export function archiveStart(start: Buffer): ArchiveForm | undefined {
  if (start.length < 4) return undefined;
  const found = marks.find(([, mark]) => start.subarray(0, mark.length).equals(mark))?.[0];
  if (found !== undefined) return found;
  if (isBzip2(start)) return 'bzip2';
  if (isCompress(start)) return 'compress';
  if (isLzma(start)) return 'lzma';
  if (formOf(start) === 'zstd') return 'zstd';
  return isTarHeader(start) ? 'tar' : undefined;
}

const zipName = /\.(?:zip|whl|egg|pyz|jar|war|ear|par|sar|kar|jpi|hpi)$/i;

/** Whether it is called as zips are, which may have something before them. */
export function isZipName(path: string): boolean {
  return zipName.test(path);
}

/** Of compress(1): the longest of its codes has 9 to 16 bits. */
function isCompress(start: Buffer): boolean {
  const [first, second, flags = 0] = start;
  const bits = flags & 0x1f;
  return first === 0x1f && second === 0x9d && (flags & 0x60) === 0 && bits >= 9 && bits <= 16;
}

/** The form before xz has no mark: usual settings, a dictionary of some size, and the length, if it is known. */
function isLzma(start: Buffer): boolean {
  if (start.length < 13 || start[0] !== 0x5d) return false;
  const dictionary = start.readUInt32LE(1);
  const isPower = dictionary >= 4096 && Number.isInteger(Math.log2(dictionary));
  const isBetween = dictionary >= 4096 && Number.isInteger(Math.log2((dictionary / 3) * 2));
  const length = start.readBigUInt64LE(5);
  return (isPower || isBetween) && (length === 0xffff_ffff_ffff_ffffn || length < 1n << 40n);
}

function isBzip2(start: Buffer): boolean {
  if (!start.subarray(0, bzip2Start.length).equals(bzip2Start)) return false;
  return bzip2Marks.some((mark) => start.subarray(4, 4 + mark.length).equals(mark));
}

/**
 * Of all of a file. A zip may have anything before it: programs, scripts that run what is in it, and what is compressed, of
 * which programs read no more than the first part.
 */
export function archiveForms(content: Buffer): readonly ArchiveForm[] {
  const start = archiveStart(content);
  if (start === 'zip' || start === 'tar') return [start];
  const forms = start === undefined ? [] : [start];
  return isZipBehind(content) ? [...forms, 'zip'] : forms;
}

function isZipBehind(content: Buffer): boolean {
  try {
    return findZip(content) !== undefined;
  } catch {
    // Two, in one: whoever opens it will say so.
    return true;
  }
}
