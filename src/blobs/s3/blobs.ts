/**
 * Blobs in an S3-compatible store, under `sha256/<hex>`, with copies on this node's disk. S3 has no rename, so bytes
 * are hashed on the local disk first, and then sent whole under their digest. A put always sends them, even if the
 * store has them. That repairs a damaged blob, and a removal that another node began before can't undo it. Bytes are
 * verified before a whole read returns them or the cache keeps them. A read of a part is not verified, but has exactly
 * its length.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { isFault, KeyedLock } from '../../lib/index.ts';
import { copyFile } from '../copy-file.ts';
import { digestHex, digestOf, isDigest } from '../digest.ts';
import { blobFault, missingBlob } from '../faults.ts';
import { FileWriter, type FileWriterOptions, putByWriter } from '../file-writer.ts';
import type { BlobCopier, BlobStore, BlobWriter, ByteRange, Digest, LocalFile } from '../types.ts';
import { openRegularFile, readBytes, readRegularFile } from '../whole-file.ts';
import type { Bucket } from './bucket.ts';
import type { CacheBound, DiskCache, HeldCopy } from './cache.ts';
import { download } from './download.ts';

interface S3BlobsOptions {
  readonly bucket: Bucket;
  /** Place of the blobs in the bucket: a name and a slash. */
  readonly under: string;
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
interface Source extends AsyncDisposable {
  readonly file: FileHandle;
  readonly range: ByteRange | undefined;
}

/** As for files. */
const defaultMaxBytes = 1024 ** 3;
/** A copy of the cache can turn out to be damaged; then it is fetched again, once. */
const tries = 2;

export class S3Blobs implements BlobStore {
  readonly #options: S3BlobsOptions;
  readonly #flights = new Map<Digest, Flight>();
  /** Several puts of the same bytes at a time would send them several times. */
  readonly #puts = new KeyedLock();

  constructor(options: S3BlobsOptions) {
    this.#options = options;
  }

  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    await this.#puts.run(digest, () => this.#options.bucket.put(this.#keyOf(digest), bytes));
    // A full disk must not fail a put that the bucket has: the next read fetches the blob.
    await this.#keepBytes(bytes, digest).catch(() => {});
    return digest;
  }

  putStream(source: Readable): Promise<{ readonly digest: Digest; readonly size: number }> {
    return putByWriter(this.write(), source);
  }

  write(): BlobWriter {
    const file = this.#options.cache.newFile();
    return new SpooledWriter(file, (digest, size) => this.#send({ ...file, size }, digest));
  }

  async get(digest: Digest, maxBytes = defaultMaxBytes): Promise<Buffer> {
    for (let attempt = 1; ; attempt++) {
      await using copy = await this.#hold(digest, maxBytes);
      const bytes = await readRegularFile(copy.path, maxBytes);
      if (bytes !== undefined && digestOf(bytes) === digest) return bytes;
      copy.discard();
      if (attempt === tries) throw corrupt(digest, this.#options.bucket.place);
    }
  }

  async open(digest: Digest, range?: ByteRange): Promise<Readable> {
    await using stack = new AsyncDisposableStack();
    const { file, range: part } = stack.use(await this.#source(digest, range));
    const stream = file.createReadStream({
      ...(part !== undefined && { start: part.first, end: part.last }),
      highWaterMark: readBytes,
    });
    const source = stack.move();
    stream.once('close', () => void source.disposeAsync().catch(() => {}));
    return stream;
  }

  async copier(digest: Digest, range: ByteRange): Promise<BlobCopier> {
    const source = await this.#source(digest, range);
    return {
      copy: (take) => copyFile(source.file, source.range ?? range, take),
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  }

  localFile(digest: Digest): Promise<LocalFile> {
    return this.#hold(digest);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  size(digest: Digest): Promise<number | undefined> {
    return this.#options.bucket.length(this.#keyOf(digest));
  }

  async delete(digest: Digest, signal?: AbortSignal): Promise<void> {
    this.#options.cache.forget(digest);
    await this.#options.bucket.delete(this.#keyOf(digest), signal);
  }

  async *list(): AsyncGenerator<Digest> {
    const folder = `${this.#options.under}sha256/`;
    for await (const key of this.#options.bucket.keys(folder)) {
      const digest = `sha256:${key.slice(folder.length)}`;
      // The bucket can have objects that are not Ward's.
      if (isDigest(digest)) yield digest;
    }
  }

  async #keepBytes(bytes: Uint8Array, digest: Digest): Promise<void> {
    this.#options.admitWrite(bytes.length);
    await this.#options.cache.keepBytes(bytes, digest);
  }

  #keyOf(digest: Digest): string {
    return `${this.#options.under}sha256/${digestHex(digest)}`;
  }

  async #send(file: { readonly temporary: string; readonly size: number }, digest: Digest): Promise<void> {
    const { bucket, cache } = this.#options;
    // Without bytes there is no file.
    if (file.size === 0) await this.put(new Uint8Array());
    else {
      await this.#puts.run(digest, () => bucket.putFile(this.#keyOf(digest), file.temporary, file.size));
      await cache.keep(file, digest);
    }
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
    const { bucket } = this.#options;
    const admit = (bytes: number) => {
      if (bytes > maxBytes)
        throw blobFault('FILE_INVALID', `the blob ${digest} has ${bytes} bytes; the limit is ${maxBytes}`);
      this.#makeRoom(bytes);
    };
    if (!(await download(bucket, this.#keyOf(digest), writer, { admit }))) throw missingBlob(digest);
    if (writer.digest() !== digest) throw corrupt(digest, bucket.place);
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

  async #source(digest: Digest, range: ByteRange | undefined): Promise<Source> {
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
    const size = await this.size(digest);
    return size !== undefined && last - first + 1 <= size / 2;
  }

  /** The bytes pass through a file without a name, so that a slow reader does not occupy a connection. */
  async #part(digest: Digest, range: ByteRange): Promise<Source> {
    const { bucket, cache } = this.#options;
    const options = cache.newFile();
    await using writer = new FileWriter(options);
    const admit = (bytes: number) => this.#makeRoom(bytes);
    if (!(await download(bucket, this.#keyOf(digest), writer, { range, admit }))) throw missingBlob(digest);
    const file = await openRegularFile(options.temporary);
    if (file === undefined) throw missingBlob(digest);
    return {
      ...{ file, range: { first: 0, last: range.last - range.first } },
      [Symbol.asyncDispose]: () => file.close(),
    };
  }
}

/** Collects the bytes on the local disk, and sends them once their digest is known. */
class SpooledWriter extends FileWriter {
  readonly #send: (digest: Digest, size: number) => Promise<void>;

  constructor(options: FileWriterOptions, send: (digest: Digest, size: number) => Promise<void>) {
    super(options);
    this.#send = send;
  }

  override async commit(expected: Digest): Promise<void> {
    this.check(expected);
    await this.#send(expected, this.size);
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
