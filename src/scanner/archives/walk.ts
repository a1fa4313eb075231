/** Walks the entries of one archive. It writes nothing to disk and only reports names. */
import { headBytes, type TarEntry, TarReader } from '../../images/index.ts';
import { giveBackAround, messageOf } from '../../lib/index.ts';
import { decompressed, smallGunzipped } from './decompress.ts';
import { archiveStart, type CompressedForm, type OpenedForm } from './forms.ts';
import { type Work, WorkExceeded } from './work.ts';
import { type ZipEntry, zipEntries } from './zip-entries.ts';

export interface Contained {
  /** Name in the archive, unchanged; undefined when the archive is one compressed file. */
  readonly name: string | undefined;
  /** Permission bits. */
  readonly mode: number;
  readonly sizeBytes: number;
}

/** Receives the entries of an archive. */
export interface Visitor {
  /** The content stays unchanged until the promise resolves. */
  file(contained: Contained, content: Buffer): Promise<void> | undefined;
  /** For entries that are too long to be read whole. */
  long(contained: Contained): LongVisit;
  /** Whether to read a file whole, if its length allows that. */
  isWanted(contained: Contained, start: Buffer): boolean;
  /** Reports a part that could not be read. */
  gap(name: string | undefined, why: string): void;
}

export interface LongVisit {
  /** The bytes may change after the call. */
  piece(bytes: Buffer): void;
  /** A promise when the caller must wait before the next piece. */
  ready(): Promise<void> | undefined;
  end(head: Buffer): Promise<void> | undefined;
}

const fileMode = 0o644;
/** The limit for all names in a tar. */
const maxNameBytes = 32 * 1024 * 1024;
const blockBytes = 512;

/** @throws WorkExceeded, and the error of a damaged archive */
export async function walkArchive(
  form: OpenedForm,
  bytes: Buffer,
  work: Work,
  visitor: Visitor,
): Promise<void> {
  switch (form) {
    case 'zip':
      return walkZip(bytes, work, visitor);
    case 'tar':
      return walkTar(piecesOf(bytes), work, visitor);
    default:
      return walkCompressed(form, bytes, work, visitor);
  }
}

async function walkZip(bytes: Buffer, work: Work, visitor: Visitor): Promise<void> {
  for await (const entry of zipEntries(bytes)) {
    work.countEntry();
    if (entry.name.endsWith('/') && entry.sizeBytes === 0) continue;
    try {
      await walkZipEntry(bytes, entry, work, visitor);
    } catch (error) {
      if (error instanceof WorkExceeded) throw error;
      visitor.gap(entry.name, messageOf(error));
    }
  }
}

async function walkZipEntry(zip: Buffer, entry: ZipEntry, work: Work, visitor: Visitor): Promise<void> {
  const { longestWhole } = work.limits;
  if (entry.sizeBytes > longestWhole) {
    const long = visitor.long(entry);
    let head: Buffer = Buffer.alloc(0);
    for await (const piece of await entry.open()) {
      work.countBytes(piece.length);
      head = headWith(head, piece);
      long.piece(piece);
      await long.ready();
    }
    await long.end(head);
    return;
  }
  work.countBytes(entry.sizeBytes);
  const content = await entry.read(longestWhole);
  await visitor.file(entry, content);
  // Stored content shares the memory of the zip. All other content has its own.
  if (content.buffer !== zip.buffer) giveBackAround(content);
}

export async function walkTar(pieces: AsyncIterable<Buffer>, work: Work, visitor: Visitor): Promise<void> {
  const { longestWhole, maxBytes, maxEntries } = work.limits;
  let long: LongVisit | undefined;
  const reader = new TarReader(
    { maxEntries, maxTotalBytes: maxBytes, maxNameBytes, longestWhole },
    (entry, piece) => {
      long ??= visitor.long(containedOf(entry));
      long.piece(piece);
    },
    (entry, start) => visitor.isWanted(containedOf(entry), start),
  );
  for await (const piece of pieces) {
    work.countBytes(piece.length);
    reader.push(piece);
    for (let read = reader.next(); read !== undefined; read = reader.next()) {
      const { entry, head, content } = read;
      work.countEntry();
      const passed = long;
      long = undefined;
      if (passed !== undefined) await passed.end(head);
      else if (entry.type === 'file' && content !== undefined)
        await visitor.file(containedOf(entry), content);
    }
    await long?.ready();
  }
  reader.end();
}

function containedOf({ name, mode, sizeBytes }: TarEntry): Contained {
  return { name: name.toString('utf8'), mode, sizeBytes };
}

/** Walks a compressed tar, or one compressed file. */
async function walkCompressed(
  form: CompressedForm,
  packed: Buffer,
  work: Work,
  visitor: Visitor,
): Promise<void> {
  const small = form === 'gzip' ? smallGunzipped(packed) : undefined;
  if (small !== undefined) {
    if (archiveStart(small) === 'tar') return walkTar(piecesOf(small), work, visitor);
    work.countBytes(small.length);
    return walkOne(small, work, visitor);
  }
  const pieces = decompressed(form, packed);
  const { start, failure: early } = await startOf(pieces);
  if (early !== undefined) {
    work.countBytes(start.length);
    await walkOne(start, work, visitor);
    throw early;
  }
  if (archiveStart(start) === 'tar') return walkTar(joined(start, pieces), work, visitor);
  const { sizeBytes, failure } = await measure(joined(start, pieces), work);
  await walkLong(() => decompressed(form, packed), sizeBytes, work, visitor);
  if (failure !== undefined) throw failure;
}

/** Measures the content up to any damage. The part before the damage is still scanned. */
async function measure(
  pieces: AsyncIterable<Buffer>,
  work: Work,
): Promise<{ readonly sizeBytes: number; readonly failure?: unknown }> {
  let sizeBytes = 0;
  try {
    for await (const piece of pieces) {
      work.countBytes(piece.length);
      sizeBytes += piece.length;
    }
    return { sizeBytes };
  } catch (failure) {
    if (failure instanceof WorkExceeded) throw failure;
    return { sizeBytes, failure };
  }
}

export async function walkOne(content: Buffer, work: Work, visitor: Visitor): Promise<void> {
  work.countEntry();
  await visitor.file({ name: undefined, mode: fileMode, sizeBytes: content.length }, content);
}

/** Reads content whose length was measured by decompressing it once before. */
async function walkLong(
  open: () => AsyncIterable<Buffer>,
  sizeBytes: number,
  work: Work,
  visitor: Visitor,
): Promise<void> {
  const contained: Contained = { name: undefined, mode: fileMode, sizeBytes };
  const isWhole = sizeBytes <= work.limits.longestWhole;
  const content = Buffer.allocUnsafeSlow(isWhole ? sizeBytes : 0);
  const long = isWhole ? undefined : visitor.long(contained);
  let at = 0;
  let head: Buffer = Buffer.alloc(0);
  for await (const piece of open()) {
    if (long === undefined) piece.copy(content, at);
    else head = headWith(head, piece);
    long?.piece(piece);
    await long?.ready();
    at += piece.length;
    if (at >= sizeBytes) break;
  }
  if (long !== undefined) await long.end(head);
  else await walkOne(content, work, visitor);
}

interface Start {
  /** A copy. */
  readonly start: Buffer;
  /** The error that comes next. */
  readonly failure?: unknown;
}

/** Reads enough bytes to detect a tar; fewer at the end or before damage. */
export async function startOf(pieces: AsyncIterator<Buffer>): Promise<Start> {
  let start: Buffer = Buffer.alloc(0);
  try {
    while (start.length < blockBytes) {
      const { value, done } = await pieces.next();
      if (done === true) break;
      start = Buffer.concat([start, value]);
    }
    return { start };
  } catch (failure) {
    return { start, failure };
  }
}

export async function* joined(start: Buffer, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  yield* pieces;
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

export function headWith(head: Buffer, piece: Buffer): Buffer {
  return head.length >= headBytes ? head : Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
}
