/**
 * Reads blobs that are elsewhere, through copies on this node's disk. Bytes are verified before a whole read returns
 * them or the cache keeps them. A read of a part is not verified, but has exactly its length.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { isFault } from '../../lib/index.ts';
import { copyFile } from '../copy-file.ts';
import { digestOf } from '../digest.ts';
import { blobFault, missingBlob } from '../faults.ts';
import { FileWriter } from '../file-writer.ts';
import type { BlobCopier, BlobReader, ByteRange, Digest, LocalFile } from '../types.ts';
import { openRegularFile, readBytes, readRegularFile } from '../whole-file.ts';
import type { CacheBound, DiskCache, HeldCopy } from './disk-cache.ts';
import { download, type PartSource } from './download.ts';

export interface CachedBlobsOptions {
  readonly source: PartSource;
  /** The name of a blob in the source. */
  readonly keyOf: (digest: Digest) => string;
  /** Undefined when there is no such blob, or when the source does not tell. */
  readonly size: (digest: Digest) => Promise<number | undefined>;
  readonly cache: DiskCache;
  readonly bound: CacheBound;
  /** Called with the number of bytes before a download writes them; throws when the disk has too little space. */
  readonly admitWrite: (bytes: number) => void;
}

/** A download that several readers wait for. */
interface Flight {
  readonly maxBytes: number;
  readonly copy: Promise<HeldCopies>;
  readers: number;
}

/** Gives each reader its own hold. */
type HeldCopies = () => HeldCopy;

/** A file with the bytes of a read, and where they begin in it. */
interface OpenCopy extends AsyncDisposable {
  readonly file: FileHandle;
  readonly range: ByteRange | undefined;
}

/** As for files. */
const defaultMaxBytes = 1024 ** 3;
/** A copy of the cache can turn out to be damaged; then it is fetched again, once. */
const tries = 2;

export class CachedBlobs implements BlobReader {
  readonly #options: CachedBlobsOptions;
  readonly #flights = new Map<Digest, Flight>();

  constructor(options: CachedBlobsOptions) {
    this.#options = options;
  }

  async get(digest: Digest, maxBytes = defaultMaxBytes): Promise<Buffer> {
    for (let attempt = 1; ; attempt++) {
      await using copy = await this.#hold(digest, maxBytes);
      const bytes = await readRegularFile(copy.path, maxBytes);
      if (bytes !== undefined && digestOf(bytes) === digest) return bytes;
      copy.discard();
      if (attempt === tries) throw corrupt(digest, this.#options.source.place);
    }
  }

  async open(digest: Digest, range?: ByteRange): Promise<Readable> {
    await using stack = new AsyncDisposableStack();
    const { file, range: part } = stack.use(await this.#open(digest, range));
    const stream = file.createReadStream({
      ...(part !== undefined && { start: part.first, end: part.last }),
      highWaterMark: readBytes,
    });
    const opened = stack.move();
    stream.once('close', () => void opened.disposeAsync().catch(() => {}));
    return stream;
  }

  async copier(digest: Digest, range: ByteRange): Promise<BlobCopier> {
    const opened = await this.#open(digest, range);
    return {
      copy: (take) => copyFile(opened.file, opened.range ?? range, take),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  }

  localFile(digest: Digest): Promise<LocalFile> {
    return this.#hold(digest);
  }

  /** The copy, which is downloaded once for all that ask at the same time. */
  async #hold(digest: Digest, maxBytes = Number.POSITIVE_INFINITY): Promise<HeldCopy> {
    for (;;) {
      const held = await this.#options.cache.hold(digest);
      if (held !== undefined) return held;
      if (this.#options.cache.has(digest)) continue;
      const flight = this.#flights.get(digest) ?? this.#begin(digest, maxBytes);
      flight.readers++;
      try {
        return (await flight.copy)();
      } catch (error) {
        // Another reader allowed fewer bytes than this one does.
        if (!isFault(error, 'FILE_INVALID') || flight.maxBytes >= maxBytes) throw error;
      }
    }
  }

  #begin(digest: Digest, maxBytes: number): Flight {
    const { promise: copy, resolve, reject } = Promise.withResolvers<HeldCopies>();
    const flight: Flight = { maxBytes, copy, readers: 0 };
    this.#flights.set(digest, flight);
    this.#fetch(digest, flight).then(resolve, (error: unknown) => {
      this.#flights.delete(digest);
      reject(error);
    });
    return flight;
  }

  async #fetch(digest: Digest, flight: Flight): Promise<HeldCopies> {
    const { cache } = this.#options;
    const file = cache.newFile();
    await using writer = new FileWriter(file);
    await this.#download(writer, digest, flight.maxBytes);
    const entry = await cache.keep({ ...file, size: writer.size }, digest, () => {
      // From here on, new readers find the copy.
      this.#flights.delete(digest);
      return flight.readers;
    });
    return () => cache.heldOf(entry);
  }

  async #download(writer: FileWriter, digest: Digest, maxBytes: number): Promise<void> {
    const { source } = this.#options;
    const admit = (bytes: number) => {
      if (bytes > maxBytes)
        throw blobFault('FILE_INVALID', `the blob ${digest} has ${bytes} bytes; the limit is ${maxBytes}`);
      this.#makeRoom(bytes);
    };
    if (!(await download(source, this.#options.keyOf(digest), writer, { admit }))) throw missingBlob(digest);
    if (writer.digest() !== digest) throw corrupt(digest, source.place);
  }

  /** On a disk without space, the cache is emptied before a read is refused. */
  #makeRoom(bytes: number): void {
    const { admitWrite, bound } = this.#options;
    try {
      admitWrite(bytes);
    } catch {
      bound.shrink(0);
      admitWrite(bytes);
    }
  }

  async #open(digest: Digest, range: ByteRange | undefined): Promise<OpenCopy> {
    const cached = await this.#options.cache.hold(digest);
    if (cached === undefined && range !== undefined && (await this.#isShort(digest, range)))
      return this.#part(digest, range);
    await using stack = new AsyncDisposableStack();
    const held = stack.use(cached ?? (await this.#hold(digest)));
    const file = await openRegularFile(held.path);
    if (file === undefined) throw missingBlob(digest);
    stack.defer(() => file.close());
    const opened = stack.move();
    return { file, range, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  }

  /** Whether it costs less to read only the range. A client may ask for one byte of a very long blob. */
  async #isShort(digest: Digest, { first, last }: ByteRange): Promise<boolean> {
    const size = await this.#options.size(digest);
    return size !== undefined && last - first + 1 <= size / 2;
  }

  /** The bytes pass through a file without a name, so that a slow reader does not occupy a connection. */
  async #part(digest: Digest, range: ByteRange): Promise<OpenCopy> {
    const { source, cache } = this.#options;
    const options = cache.newFile();
    await using writer = new FileWriter(options);
    const admit = (bytes: number) => this.#makeRoom(bytes);
    if (!(await download(source, this.#options.keyOf(digest), writer, { range, admit })))
      throw missingBlob(digest);
    const file = await openRegularFile(options.temporary);
    if (file === undefined) throw missingBlob(digest);
    return {
      ...{ file, range: { first: 0, last: range.last - range.first } },
      [Symbol.asyncDispose]: () => file.close(),
    };
  }
}

function corrupt(digest: Digest, place: string) {
  return blobFault(
    'BLOB_CORRUPT',
    `the blob ${digest} is damaged: ${place} has other bytes under its digest`,
    {
      hint: 'Store the blob again: deploy the action, or push the image.',
    },
  );
}
