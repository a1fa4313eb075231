/**
 * Reads the entries of a zip in memory, for archives that are read but never unpacked: jars, wheels, eggs. What is refused
 * as unsafe to unpack (`src/images/unpack/zip.ts`) does no harm here, and real jars contain it. Entries on which programs
 * would disagree are reported.
 */
import type { Readable } from 'node:stream';
import { inflateRawSync } from 'node:zlib';
import { type Entry, fromBufferPromise, getFileNameLowLevel } from 'yauzl';
import { findZip } from './zip-bounds.ts';

export interface ZipEntry {
  /** The name in the archive, unchecked. It may lead out of any folder. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Permission bits, if a Unix program wrote them. */
  readonly mode: number;
  /** Throws when the entry is longer than `maxBytes`, damaged, encrypted, or has another name in its own header. */
  read(maxBytes: number): Promise<Buffer>;
  /** Fails when the entry is damaged, encrypted or longer than it says. */
  open(): Promise<Readable>;
}

const maxEntries = 200_000;
const storedMethod = 0;
const deflatedMethod = 8;
/** The limit of zlib. */
const smallestChunk = 64;
const localMark = Buffer.from('PK\x03\x04', 'latin1');
const localHeaderBytes = 30;
const shownName = 200;

/** Throws when the file is not a zip, and at the end when it has entries outside its directory. */
export async function* zipEntries(file: Buffer): AsyncGenerator<ZipEntry> {
  const { start, end, directory } = findZip(file) ?? { start: 0, end: file.length, directory: 0 };
  const bytes = file.subarray(start, end);
  // yauzl does not check names here: one bad name must not hide the other entries.
  const zip = await fromBufferPromise(bytes, { validateEntrySizes: true, decodeStrings: false });
  if (zip.entryCount > maxEntries) throw new Error(`it has more than ${maxEntries} entries`);
  const spans: Span[] = [];
  for await (const entry of zip.eachEntry()) {
    const name = getFileNameLowLevel(
      entry.generalPurposeBitFlag,
      entry.fileNameRaw,
      entry.extraFields,
      false,
    );
    const dataStart = dataStartOf(bytes, entry);
    spans.push({ start: entry.relativeOffsetOfLocalHeader, end: (dataStart ?? 0) + entry.compressedSize });
    yield {
      name,
      sizeBytes: entry.uncompressedSize,
      mode: (entry.externalFileAttributes >>> 16) & 0o7777,
      read: async (maxBytes) => contentOf(bytes, entry, name, dataStart, maxBytes),
      open: () => zip.openReadStreamPromise(entry),
    };
  }
  spans.push({ start: directory - start, end: bytes.length });
  const isBehindAnother = start > 0 && isEntry(file, 0);
  if (isBehindAnother || hasUnlisted(bytes, spans))
    throw new Error('it has entries that its directory does not list');
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function isEntry(bytes: Buffer, at: number): boolean {
  return bytes.subarray(at, at + localMark.length).equals(localMark);
}

/** Undefined when the entry is missing or has another name. Programs would disagree on its name. */
function dataStartOf(bytes: Buffer, entry: Entry): number | undefined {
  const at = entry.relativeOffsetOfLocalHeader;
  const nameAt = at + localHeaderBytes;
  if (nameAt > bytes.length || !isEntry(bytes, at)) return undefined;
  const nameEnd = nameAt + bytes.readUInt16LE(at + 26);
  if (!bytes.subarray(nameAt, nameEnd).equals(entry.fileNameRaw)) return undefined;
  const dataStart = nameEnd + bytes.readUInt16LE(at + 28);
  return dataStart + entry.compressedSize <= bytes.length ? dataStart : undefined;
}

function contentOf(
  bytes: Buffer,
  entry: Entry,
  name: string,
  dataStart: number | undefined,
  maxBytes: number,
): Buffer {
  const { compressedSize, uncompressedSize, compressionMethod } = entry;
  const shown = name.slice(0, shownName);
  if (entry.isEncrypted()) throw new Error(`${shown} is encrypted`);
  if (uncompressedSize > maxBytes) throw new Error(`${shown} is too long`);
  if (dataStart === undefined) throw new Error(`${shown} is not where the directory says`);
  const packed = bytes.subarray(dataStart, dataStart + compressedSize);
  if (compressionMethod === storedMethod) return packed;
  if (compressionMethod === deflatedMethod) return inflateAtOnce(shown, packed, uncompressedSize);
  throw new Error(`${shown} is compressed by method ${compressionMethod}, which Ward does not support`);
}

/** Inflates in one piece, for which zlib needs room for one more byte. Throws when the content is longer. */
export function inflateAtOnce(name: string, packed: Buffer, length: number): Buffer {
  try {
    return inflateRawSync(packed, {
      maxOutputLength: Math.max(1, length),
      chunkSize: Math.max(smallestChunk, length + 1),
    });
  } catch (cause) {
    const isLonger = codeOf(cause) === 'ERR_BUFFER_TOO_LARGE';
    throw new Error(`${name} is ${isLonger ? 'longer than it says' : 'damaged'}`, { cause });
  }
}

/** Programs that read a zip as a stream would find such entries. */
function hasUnlisted(bytes: Buffer, spans: readonly Span[]): boolean {
  let covered = 0;
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    if (start > covered && bytes.subarray(covered, start).includes(localMark)) return true;
    covered = Math.max(covered, end);
  }
  return false;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
