/** Walks an archive that is too long for memory, as a stream. */
import { decompressedStream } from './decompress.ts';
import type { ArchiveForm } from './forms.ts';
import { archiveStart, isZipName } from './forms.ts';
import {
  type EntryTaker,
  type StreamedContent,
  type StreamedEntry,
  walkStreamedZip,
} from './streamed-zip.ts';
import { type Contained, headWith, joined, startOf, type Visitor, walkOne, walkTar } from './walk.ts';
import type { Work } from './work.ts';

const streamedForms = ['zip', 'tar', 'gzip', 'zstd'] as const satisfies readonly ArchiveForm[];
export type StreamedArchive = (typeof streamedForms)[number];

/**
 * The form to read it as; undefined when it can't be streamed. A file with the name of a zip may have other bytes in front.
 */
export function streamedFormOf(path: string, start: Buffer): StreamedArchive | undefined {
  const form = archiveStart(start) ?? (isZipName(path) ? 'zip' : undefined);
  return streamedForms.find((each) => each === form);
}

/** @throws WorkExceeded, and the error of a damaged archive */
export async function walkStream(
  form: StreamedArchive,
  input: AsyncIterable<Buffer>,
  work: Work,
  visitor: Visitor,
): Promise<void> {
  if (form === 'zip') return walkStreamedZip(input, work, takerOf(visitor, work));
  if (form === 'tar') return walkTar(input, work, visitor);
  const pieces = decompressedStream(form, input);
  const { start, failure } = await startOf(pieces);
  if (failure !== undefined) throw failure;
  if (archiveStart(start) === 'tar') return walkTar(joined(start, pieces), work, visitor);
  const contained = { name: undefined, mode: 0o644, sizeBytes: undefined };
  return takeUnmeasured(contained, counted(joined(start, pieces), work), work, visitor);
}

type Unmeasured = Omit<Contained, 'sizeBytes'>;

function takerOf(visitor: Visitor, work: Work): EntryTaker {
  return {
    gap: visitor.gap,
    take: async (entry: StreamedEntry, content: StreamedContent) => {
      const { sizeBytes } = entry;
      if (Buffer.isBuffer(content)) return visitor.file({ ...entry, sizeBytes: content.length }, content);
      return sizeBytes !== undefined && sizeBytes > work.limits.longestWhole
        ? pass({ ...entry, sizeBytes }, content, visitor)
        : takeUnmeasured(entry, content, work, visitor);
    },
  };
}

async function pass(contained: Contained, pieces: AsyncIterable<Buffer>, visitor: Visitor): Promise<void> {
  const long = visitor.long(contained);
  const iterator = pieces[Symbol.asyncIterator]();
  const { start, failure } = await startOf(iterator);
  if (failure !== undefined) throw failure;
  let head: Buffer = Buffer.alloc(0);
  for await (const piece of joined(start, restOf(iterator))) {
    head = headWith(head, piece);
    long.piece(piece);
    await long.ready();
  }
  await long.end(head);
}

/** Reads content of unknown length whole, unless it turns out to be too long. */
async function takeUnmeasured(
  contained: Unmeasured,
  pieces: AsyncIterable<Buffer>,
  work: Work,
  visitor: Visitor,
): Promise<void> {
  const { longestWhole } = work.limits;
  let room: Buffer = Buffer.allocUnsafeSlow(1024 * 1024);
  let filled = 0;
  const rest = pieces[Symbol.asyncIterator]();
  for (let read = await rest.next(); read.done !== true; read = await rest.next()) {
    const piece = read.value;
    if (filled + piece.length > longestWhole) {
      const whole = [room.subarray(0, filled), piece];
      const all = (async function* () {
        yield* whole;
        yield* restOf(rest);
      })();
      // The length is unknown, but at least this.
      return pass({ ...contained, sizeBytes: longestWhole + 1 }, all, visitor);
    }
    if (filled + piece.length > room.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(longestWhole, 2 * (filled + piece.length)));
      room.copy(larger, 0, 0, filled);
      room = larger;
    }
    piece.copy(room, filled);
    filled += piece.length;
  }
  const content = room.subarray(0, filled);
  if (contained.name === undefined) return walkOne(content, work, visitor);
  return visitor.file({ ...contained, sizeBytes: filled }, content);
}

async function* restOf(iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let read = await iterator.next(); read.done !== true; read = await iterator.next()) yield read.value;
}

async function* counted(pieces: AsyncIterable<Buffer>, work: Work): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    work.countBytes(piece.length);
    yield piece;
  }
}
