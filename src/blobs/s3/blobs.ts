/**
 * Blobs in an S3-compatible store, under `sha256/<hex>`. S3 has no rename, so bytes are hashed on the local disk
 * first, and then sent whole under their digest. A put always sends them, even if the store has them. That repairs a
 * damaged blob, and a removal that another node began before can't undo it.
 */
import type { Readable } from 'node:stream';
import { KeyedLock } from '../../lib/index.ts';
import { CachedBlobs, type CachedBlobsOptions } from '../cached/cached-blobs.ts';
import { digestHex, digestOf, isDigest } from '../digest.ts';
import { FileWriter, type FileWriterOptions, putByWriter } from '../file-writer.ts';
import type { BlobStore, BlobWriter, Digest } from '../types.ts';
import type { Bucket } from './bucket.ts';

interface S3BlobsOptions extends Pick<CachedBlobsOptions, 'cache' | 'bound' | 'admitWrite'> {
  readonly bucket: Bucket;
  /** Place of the blobs in the bucket: a name and a slash. */
  readonly under: string;
}

/**
 * S3 refuses a request that was signed more than 15 minutes ago. The rest is for clocks that differ, and for the time
 * until a delete is signed.
 */
const lateMs = 20 * 60_000;

export class S3Blobs extends CachedBlobs implements BlobStore {
  readonly lateMs = lateMs;
  readonly #options: S3BlobsOptions;
  /** Several puts of the same bytes at a time would send them several times. */
  readonly #puts = new KeyedLock();

  constructor(options: S3BlobsOptions) {
    const { bucket, under } = options;
    super({
      ...options,
      source: bucket,
      keyOf: (digest) => keyOf(under, digest),
      size: (digest) => bucket.length(keyOf(under, digest)),
    });
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

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  size(digest: Digest): Promise<number | undefined> {
    return this.#options.bucket.length(this.#keyOf(digest));
  }

  async delete(digest: Digest, signal?: AbortSignal): Promise<void> {
    this.#options.cache.forget(digest);
    await this.#options.bucket.deleteOnce(this.#keyOf(digest), signal);
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
    return keyOf(this.#options.under, digest);
  }

  async #send(file: { readonly temporary: string; readonly size: number }, digest: Digest): Promise<void> {
    const { bucket, cache } = this.#options;
    // Without bytes there is no file.
    if (file.size === 0) await this.put(new Uint8Array());
    else {
      const hashed = { path: file.temporary, size: file.size, sha256: digestHex(digest) };
      await this.#puts.run(digest, () => bucket.putFile(this.#keyOf(digest), hashed));
      await cache.keep(file, digest);
    }
  }
}

function keyOf(under: string, digest: Digest): string {
  return `${under}sha256/${digestHex(digest)}`;
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
