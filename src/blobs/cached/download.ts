/**
 * Reads an object into a file, with constant memory. After a broken connection it continues where it ended, so that a
 * long blob arrives over a bad network. It stores no byte more than the store has announced.
 */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../../lib/index.ts';
import { isTransient, storeFault, unreachable, wrongAnswer } from '../store-errors.ts';
import type { BlobWriter, ByteRange } from '../types.ts';

/** Where bytes are read from. */
export interface PartSource {
  /** For messages. */
  readonly place: string;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  readonly times: {
    /** Tries of one download, with growing pauses between. */
    readonly tries: number;
  };
  /** Undefined when there is no such object. The source ends a body that has no bytes for too long. */
  get(key: string, range?: ByteRange): Promise<ObjectPart | undefined>;
}

/** An object's bytes, or a part of them. */
export interface ObjectPart {
  readonly body: Readable;
  /** Bytes that the source announces; not checked against the body. */
  readonly length: number;
}

interface DownloadOptions {
  /** Undefined: all of the object. */
  readonly range?: ByteRange;
  /** Called with the number of bytes before any is stored; throws to refuse them. */
  readonly admit: (bytes: number) => void;
}

const firstPauseMs = 100;

/**
 * Appends the object to `writer`, and returns false when it does not exist.
 * @throws Fault BLOB_STORE_UNREACHABLE, BLOB_STORE_REFUSED, BLOB_STORE_WRONG, and errors of `admit`
 */
export async function download(
  source: PartSource,
  key: string,
  writer: BlobWriter,
  { range, admit }: DownloadOptions,
): Promise<boolean> {
  const { signal, times, place } = source;
  let expected = range === undefined ? undefined : range.last - range.first + 1;
  const first = range?.first ?? 0;
  for (let attempt = 1; ; attempt++) {
    const left = expected === undefined ? undefined : expected - writer.size;
    const part = await source.get(key, rangeOf(first + writer.size, left));
    if (part === undefined) return false;
    try {
      if (left !== undefined && part.length !== left)
        throw wrongAnswer(`${place} answered ${part.length} bytes to a read of ${left} bytes`);
      if (expected === undefined || attempt === 1) admit(part.length);
      expected ??= part.length;
      const announced = expected;
      // The source ends a body without bytes, and those of a closed bucket.
      await writer.append(part.body, (bytes) => {
        if (writer.size + bytes > announced) throw wrongAnswer(`${place} sent more bytes than it announced`);
      });
      if (writer.size === expected) return true;
      throw unreachable(`${place} ended a blob ${expected - writer.size} bytes too early`);
    } catch (error) {
      part.body.destroy();
      signal.throwIfAborted();
      if (attempt >= times.tries || writer.isBroken || !isTransient(error))
        throw isFault(error) || writer.isBroken ? error : storeFault(error, 'read a blob', place);
    }
    await sleep(firstPauseMs * 2 ** attempt * Math.random(), undefined, { signal, ref: false });
  }
}

function rangeOf(first: number, left: number | undefined): ByteRange | undefined {
  return left === undefined ? undefined : { first, last: first + left - 1 };
}
