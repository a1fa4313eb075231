/** Goes through what lies in one archive, entry by entry. Nothing is written anywhere, and names are only told. */
import { headBytes, openTarReader, type TarEntry } from '../../images/index.ts';
import { giveBackAround, messageOf } from '../../lib/index.ts';
import { decompressed, smallGunzipped } from './decompress.ts';
import { archiveStart, type CompressedForm, type OpenedForm } from './forms.ts';
import { type Work, WorkExceeded } from './work.ts';
import { type ZipEntry, zipEntries } from './zip-entries.ts';

export interface Contained {
  /** As it stands there; undefined when the archive is one compressed file. */
  readonly name: string | undefined;
  /** Permission bits. */
  readonly mode: number;
  readonly sizeBytes: number;
}

/** Is shown what lies in an archive. */
export interface Visitor {
  /** The content stays as it is until this has ended. */
  file(contained: Contained, content: Buffer): Promise<void> | undefined;
  /** For what is not read whole. */
  long(contained: Contained): LongVisit;
  /** Whether a file is to be read whole, as far as its length allows. */
  isWanted(contained: Contained, start: Buffer): boolean;
  /** What of it could not be read. */
  gap(name: string | undefined, why: string): void;
}

export interface LongVisit {
  /** The bytes need to stay as they are only until it returns. */
  piece(bytes: Buffer): void;
  /** A promise when it is to be waited for before the next pieces. */
  ready(): Promise<void> | undefined;
  end(head: Buffer): Promise<void> | undefined;
}

const fileMode = 0o644;
/** Of names in a tar. */
const maxNameBytes = 32 * 1024 * 1024;
const blockBytes = 512;

/** @throws WorkExceeded, and what an archive that is damaged fails with */
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
  // Unless it lies in the zip as it is, its memory is its own.
  if (content.buffer !== zip.buffer) giveBackAround(content);
}

export async function walkTar(pieces: AsyncIterable<Buffer>, work: Work, visitor: Visitor): Promise<void> {
  const { longestWhole, maxBytes, maxEntries } = work.limits;
  let long: LongVisit | undefined;
  const reader = openTarReader(
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

/** A tar, or one file without a name. */
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

/** How long it is, as far as it can be read: what is before the damage is looked at all the same. */
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

/** Its length was found out by decompressing it once before. */
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
  /** In memory of its own. */
  readonly start: Buffer;
  /** What comes next instead of more. */
  readonly failure?: unknown;
}

/** Enough to know a tar by; less at the end, or where it is damaged. */
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
