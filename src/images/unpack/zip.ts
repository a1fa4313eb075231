/**
 * Reads function code from a zip. `inspectZip` checks only the central directory, at deployment; `unpackZip` trusts
 * none of it and counts real bytes while it inflates.
 *
 * Refuses names that point outside (`entry-name.ts`), names that appear twice, links and devices, encryption, methods
 * other than store and deflate, entries that share bytes (the "better zip bomb" of D. Fifield, 2019), and archives
 * over the limits. Keeps only the owner's executable bit of the modes.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { errnoOf, formatSize, isFault, messageOf } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import type { ArchiveLimits } from '../types.ts';
import { entryParts, isSystemError, showName, unsafe } from './entry-name.ts';
import { type Folders, foldersBelow } from './folders.ts';

export interface ZipSummary {
  readonly entries: number;
  /** The size of its files as the archive declares it; `unpackZip` does not rely on it. */
  readonly totalBytes: number;
  /** Paths of the files in the archive. */
  readonly files: readonly string[];
}

interface UnpackBudget {
  /** Counts one more entry. @throws Fault ARCHIVE_TOO_LARGE */
  countEntry(name: string): void;
  /** Counts more bytes of the entry `name`, after `soFar` earlier ones. @throws Fault ARCHIVE_TOO_LARGE */
  countBytes(name: string, bytes: number, soFar: number): void;
}

/** Deflate can reach 1032:1, real files hardly a tenth of it; below the floor it does not matter. */
const maxExpansion = 400;
const expansionFloor = 4 * 1024 * 1024;
/** Limit of files written at once: creating one is mostly waiting for the file system. */
const writers = 8;
/** Inflated in well under a millisecond. */
const smallBytes = 128 * 1024;
const localHeaderBytes = 30;
const typeMask = 0o170000;
const regularType = 0o100000;
const folderType = 0o040000;
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Checks only the central directory. @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID */
export async function inspectZip(bytes: Uint8Array, limits: ArchiveLimits): Promise<ZipSummary> {
  return faultsOnly(async () => summarise(await readEntries(await openZip(bytes), bytes.length, limits)));
}

/**
 * Unpacks into `dir`, which must be missing or empty. Unpacks everything in `workDir` first, on the same file system.
 * Then a missing `dir` appears in one step; an empty one (which may be mounted already) is filled by one rename for
 * each entry of the top level. On failure, nothing is left.
 * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID, naming the entry
 */
export async function unpackZip(
  bytes: Uint8Array,
  dir: string,
  limits: ArchiveLimits,
  workDir = dirname(resolve(dir)),
): Promise<ZipSummary> {
  const target = resolve(dir);
  const temporary = await mkdtemp(join(workDir, `.${basename(target)}-`));
  try {
    const root = join(temporary, 'root');
    await mkdir(root, { mode: 0o755 });
    const summary = await faultsOnly(async () => {
      const zip = await openZip(bytes);
      const entries = await readEntries(zip, bytes.length, limits);
      const job = { zip, bytes, folders: foldersBelow(root), budget: newBudget(limits) };
      await unpackEntries(job, entries);
      return summarise(entries);
    });
    await moveInto(root, target);
    return summary;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

interface ZipTask {
  readonly zip: ZipFile;
  readonly bytes: Uint8Array;
  readonly folders: Folders;
  readonly budget: UnpackBudget;
}

interface CheckedEntry {
  readonly raw: Entry;
  readonly parts: readonly string[];
  readonly isFolder: boolean;
}

function openZip(bytes: Uint8Array): Promise<ZipFile> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return fromBufferPromise(view, { validateEntrySizes: true });
}

async function readEntries(
  zip: ZipFile,
  archiveBytes: number,
  limits: ArchiveLimits,
): Promise<CheckedEntry[]> {
  if (zip.entryCount > limits.maxEntries) {
    throw imageFault(
      'ARCHIVE_TOO_LARGE',
      `the archive has ${zip.entryCount} entries; at most ${limits.maxEntries} are allowed`,
    );
  }
  const budget = newBudget(limits);
  const seen = new Map<string, boolean>();
  const countFolder = folderCounter(limits.maxEntries);
  const entries: CheckedEntry[] = [];
  for await (const raw of zip.eachEntry()) {
    budget.countEntry(raw.fileName);
    budget.countBytes(raw.fileName, raw.uncompressedSize, 0);
    const entry = checkEntry(raw, limits);
    refuseRepeated(entry, seen, countFolder);
    entries.push(entry);
  }
  refuseShared(entries, archiveBytes);
  return entries;
}

function checkEntry(raw: Entry, limits: ArchiveLimits): CheckedEntry {
  const shown = showName(raw.fileName);
  const parts = entryParts(raw.fileName, limits.maxPathDepth);
  const isFolder = raw.fileName.endsWith('/');
  if (parts.length === 0) throw unsafe(`${shown} has no name`);
  // The upper half holds Unix's st_mode, even if the archive names another system: unzip tools look at it as well.
  const type = (raw.externalFileAttributes >>> 16) & typeMask;
  if (type !== 0 && type !== (isFolder ? folderType : regularType)) {
    throw unsafe(`${shown} is neither a file nor a folder`);
  }
  if ((raw.generalPurposeBitFlag & 0x41) !== 0) throw unsafe(`${shown} is encrypted`);
  if (raw.compressionMethod !== 0 && raw.compressionMethod !== 8) {
    throw imageFault(
      'ARCHIVE_INVALID',
      `${shown} is compressed by method ${raw.compressionMethod}; Ward reads only deflate`,
    );
  }
  if (isFolder && raw.uncompressedSize > 0) throw unsafe(`${shown} is a folder with content`);
  if (raw.uncompressedSize > Math.max(expansionFloor, raw.compressedSize * maxExpansion)) {
    throw imageFault(
      'ARCHIVE_TOO_LARGE',
      `${shown} would expand to more than ${maxExpansion} times its size`,
    );
  }
  return { raw, parts, isFolder };
}

/** Names imply folders: a few entries with long names would need far more of the disk than they say. */
function folderCounter(most: number): () => void {
  let count = 0;
  return () => {
    if (++count > most)
      throw imageFault('ARCHIVE_TOO_LARGE', `the archive has more than ${most} folders, which is the limit`);
  };
}

/** Refuses two files with one name, and a file with an entry below it. Folders can be repeated. */
function refuseRepeated(
  { raw, parts, isFolder }: CheckedEntry,
  seen: Map<string, boolean>,
  countFolder: () => void,
): void {
  for (let depth = 1; depth <= parts.length; depth++) {
    const path = parts.slice(0, depth).join('/');
    const asFolder = depth < parts.length || isFolder;
    const before = seen.get(path);
    if (before !== undefined && !(before && asFolder))
      throw unsafe(`${showName(raw.fileName)} appears twice, or is inside a file`);
    if (before === undefined && asFolder) countFolder();
    seen.set(path, asFolder);
  }
}

/** Refuses entries whose bytes overlap: they would unpack to far more than the archive contains. */
function refuseShared(entries: readonly CheckedEntry[], archiveBytes: number): void {
  let end = 0;
  const sorted = entries
    .map(({ raw }) => raw)
    .sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  for (const raw of sorted) {
    if (raw.relativeOffsetOfLocalHeader < end)
      throw unsafe(`${showName(raw.fileName)} shares its bytes with another entry`);
    end = raw.relativeOffsetOfLocalHeader + localHeaderBytes + raw.fileNameLength + raw.compressedSize;
  }
  if (end > archiveBytes) throw imageFault('ARCHIVE_INVALID', 'the archive is truncated');
}

/** Creates all folders first, so that no file depends on another entry. */
async function unpackEntries(job: ZipTask, entries: readonly CheckedEntry[]): Promise<void> {
  for (const { parts, isFolder } of entries) await job.folders.ensure(isFolder ? parts : parts.slice(0, -1));
  const files = entries.filter(({ isFolder }) => !isFolder);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let entry = files[next++]; entry !== undefined; entry = files[next++]) await unpackFile(job, entry);
  };
  const stopping = (error: unknown): never => {
    next = files.length;
    throw error;
  };
  const results = await Promise.allSettled(Array.from({ length: writers }, () => worker().catch(stopping)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function unpackFile(job: ZipTask, { raw, parts }: CheckedEntry): Promise<void> {
  const path = join(await job.folders.ensure(parts.slice(0, -1)), parts.at(-1) ?? '');
  const file = await open(path, createFlags, 0o600);
  try {
    if (raw.uncompressedSize <= smallBytes) await file.writeFile(await inflateSmall(job, raw));
    else await writeLarge(job, raw, file);
    await file.chmod(((raw.externalFileAttributes >>> 16) & 0o100) === 0 ? 0o644 : 0o755);
  } finally {
    await file.close();
  }
}

/** Inflates small files in one step, which most files are: a stream would cost many times as much. */
async function inflateSmall(job: ZipTask, raw: Entry): Promise<Uint8Array> {
  const { fileDataStart } = await job.zip.readLocalFileHeaderPromise(raw, { minimal: true });
  const packed = job.bytes.subarray(fileDataStart, fileDataStart + raw.compressedSize);
  const content =
    raw.compressionMethod === 0 ? packed : inflateRawSync(packed, { maxOutputLength: smallBytes });
  if (content.length !== raw.uncompressedSize) throw damaged(raw, 'length');
  if (crc32(content) !== raw.crc32) throw damaged(raw, 'checksum');
  job.budget.countBytes(raw.fileName, content.length, 0);
  return content;
}

async function writeLarge(job: ZipTask, raw: Entry, file: FileHandle): Promise<void> {
  let size = 0;
  let sum = 0;
  // The stream fails when it has more or fewer bytes than the directory declares.
  for await (const chunk of await job.zip.openReadStreamPromise(raw)) {
    job.budget.countBytes(raw.fileName, chunk.length, size);
    size += chunk.length;
    sum = crc32(chunk, sum);
    await file.writeFile(chunk);
  }
  if (sum !== raw.crc32) throw damaged(raw, 'checksum');
}

function damaged(raw: Entry, what: string): Error {
  return imageFault('ARCHIVE_INVALID', `${showName(raw.fileName)} is damaged: its ${what} differs`);
}

async function moveInto(root: string, target: string): Promise<void> {
  try {
    await refuseContent(target);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return rename(root, target);
  }
  for (const name of await readdir(root)) await rename(join(root, name), join(target, name));
}

/** @throws ENOENT without a folder, and a Fault when it has content */
async function refuseContent(target: string): Promise<void> {
  const content = await readdir(target);
  if (content.length > 0) throw imageFault('ARCHIVE_INVALID', `${target} is not empty`);
}

function summarise(entries: readonly CheckedEntry[]): ZipSummary {
  const files = entries.filter(({ isFolder }) => !isFolder);
  return {
    entries: entries.length,
    totalBytes: files.reduce((sum, { raw }) => sum + raw.uncompressedSize, 0),
    files: files.map(({ parts }) => parts.join('/')),
  };
}

async function faultsOnly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isFault(error) || isSystemError(error)) throw error;
    const message = messageOf(error);
    if (/^(?:absolute path|invalid relative path|invalid characters in fileName)/.test(message))
      throw unsafe(message);
    throw imageFault('ARCHIVE_INVALID', `the zip archive is damaged: ${message}`, { cause: error });
  }
}

function newBudget(limits: ArchiveLimits): UnpackBudget {
  let entries = 0;
  let total = 0;
  return {
    countEntry: (name) => {
      if (++entries > limits.maxEntries) {
        throw tooLarge(`${showName(name)} is over the limit of ${limits.maxEntries} entries`);
      }
    },
    countBytes: (name, bytes, soFar) => {
      total += bytes;
      if (soFar + bytes > limits.maxEntryBytes) {
        throw tooLarge(`${showName(name)} is larger than ${formatSize(limits.maxEntryBytes)}`);
      }
      if (total > limits.maxTotalBytes) {
        throw tooLarge(
          `with ${showName(name)} the content is larger than ${formatSize(limits.maxTotalBytes)}`,
        );
      }
    },
  };
}

function tooLarge(message: string): Error {
  return imageFault('ARCHIVE_TOO_LARGE', message);
}
