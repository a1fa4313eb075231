/**
 * Detects the form of an archive or a compressed file by its bytes, because its author can choose any name.
 * Sources: APPNOTE.TXT; RFC 1952; RFC 8878; POSIX.1-2017, pax; the format documents of xz, bzip2, 7-Zip, RAR, LZ4, lzip,
 * lzop, compress(1) and lzma.
 */
import { formOf, isTarHeader } from '../../images/index.ts';
import { findZip } from './zip-bounds.ts';

export const openedForms = ['zip', 'gzip', 'zstd', 'bzip2', 'xz', 'lzma', 'tar'] as const;
export type OpenedForm = (typeof openedForms)[number];
/** Forms that compress a single file, which may be a tar. */
export type CompressedForm = Exclude<OpenedForm, 'zip' | 'tar'>;
/** Ward can't open the other forms, but common programs can. */
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
/** Marks of a block and of the end, after the start and a digit. */
const bzip2Marks = [Buffer.from('1AY&SY'), Buffer.from('\x17rE8P\x90', 'latin1')];

/** Detects the form by the first bytes. It misses forms that may have other bytes in front. */
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

/** Whether the name is that of a zip, which may have other bytes in front. */
export function isZipName(path: string): boolean {
  return zipName.test(path);
}

/** Detects compress(1): its longest code has 9 to 16 bits. */
function isCompress(start: Buffer): boolean {
  const [first, second, flags = 0] = start;
  const bits = flags & 0x1f;
  return first === 0x1f && second === 0x9d && (flags & 0x60) === 0 && bits >= 9 && bits <= 16;
}

/**
 * Detects the predecessor of xz, which has no mark: usual settings, a plausible dictionary size, and the length if known.
 */
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
 * All forms that a file has. A zip may have anything in front: programs, scripts that run its content, and compressed
 * content, of which programs read only the first part.
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
    // There are two zips in one. Opening it reports that.
    return true;
  }
}
