/**
 * The requests that Ward makes to a bucket. Each has time limits, and ends when the bucket is closed. After a broken
 * connection, or when the store has too much to do, it is repeated with growing pauses. The store's checksums, tags and
 * order of keys are not trusted.
 */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ObjectPart, PartSource } from '../cached/download.ts';
import { type BlobLocation, describeLocation } from '../location.ts';
import { isMissing, isTransient, storeFault, unreachable, wrongAnswer } from '../store-errors.ts';
import { fileBody } from './file-body.ts';
import { signedWith } from './signed-with.ts';
import { Slots } from './slots.ts';

/** Time limits, in milliseconds. */
export interface BucketTimes {
  readonly connectMs: number;
  /** Until the answer to a request begins. */
  readonly answerMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** Tries of one request, with growing pauses between. */
  readonly tries: number;
}

export const bucketTimes: BucketTimes = { connectMs: 3000, answerMs: 60_000, idleMs: 30_000, tries: 4 };

export interface UnfinishedUpload {
  readonly key: string;
  readonly id: string;
}

/** A file whose bytes and their hash are known. */
export interface HashedFile {
  readonly path: string;
  readonly size: number;
  /** In hex. */
  readonly sha256: string;
}

const mebibyte = 1024 * 1024;
/** Longer files are sent in parts. A shorter one is sent as a whole, because parts have to be hashed once more. */
export const wholeBytes = 128 * mebibyte;
/** A whole file that is sent more slowly is tried again. */
const slowestBytesPerMs = 100;
/** Whole files that are sent at a time: each has a connection. */
const wholesAtOnce = 9;
/** Size of a part: after a broken connection, only that is sent again. */
export const partBytes = 8 * mebibyte;
const maxParts = 10_000;
/** Parts of one upload that are sent at a time. */
const partsAtOnce = 3;
/** Uploads in parts at a time: each holds its parts in memory. */
const uploadsAtOnce = 3;
const connections = 64;
const pageKeys = 1000;
const firstPauseMs = 100;

export class Bucket implements Disposable, PartSource {
  readonly place: string;
  readonly times: BucketTimes;
  readonly #client: S3Client;
  /** Sends each request once. */
  readonly #once: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #ending = new AbortController();
  readonly #uploads = new Slots(uploadsAtOnce);
  readonly #wholes = new Slots(wholesAtOnce);
  readonly #wholeBytes: number;

  /** @param whole longer files are sent in parts */
  constructor(location: BlobLocation, times: BucketTimes = bucketTimes, whole: number = wholeBytes) {
    this.place = describeLocation(location);
    this.times = times;
    this.#wholeBytes = whole;
    this.#bucket = location.bucket;
    this.#prefix = location.prefix;
    this.#client = clientOf(location, times);
    this.#once = clientOf(location, { ...times, tries: 1 });
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Ends what is under way. */
  [Symbol.dispose](): void {
    this.#ending.abort(unreachable(`the connection to ${this.place} is closed`));
    this.#client.destroy();
    this.#once.destroy();
  }

  /** The object's length as the store tells it; undefined when it does not exist. */
  async length(key: string): Promise<number | undefined> {
    try {
      const told = await this.#ask('find a blob', (options) =>
        this.#client.send(new HeadObjectCommand(this.#named(key)), options),
      );
      if (told.ContentLength !== undefined) return told.ContentLength;
      throw wrongAnswer(`${this.place} does not tell the length of a blob`);
    } catch (error) {
      if (isMissing(causeOf(error))) return undefined;
      throw error;
    }
  }

  /** Stores bytes in memory. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > partBytes) await this.#putParts(key, () => readableOf(bytes), bytes.length);
    else
      await this.#ask('store a blob', (options) =>
        this.#client.send(new PutObjectCommand({ ...this.#named(key), Body: bytes }), options),
      );
    await this.#requireLength(key, bytes.length);
  }

  async putFile(key: string, file: HashedFile): Promise<void> {
    const { path, size } = file;
    if (size <= this.#wholeBytes) await this.#putWhole(key, file);
    else await this.#putParts(key, () => createReadStream(path, { highWaterMark: mebibyte }), size);
    await this.#requireLength(key, size);
  }

  /** Undefined when the object does not exist. @param range both ends inclusive */
  async get(
    key: string,
    range?: { readonly first: number; readonly last: number },
  ): Promise<ObjectPart | undefined> {
    const asked = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` };
    try {
      const { Body: body, ContentLength: length } = await this.#ask('read a blob', (options) =>
        this.#client.send(new GetObjectCommand({ ...this.#named(key), ...asked }), options),
      );
      if (!(body instanceof Readable)) throw wrongAnswer(`${this.place} answered a read without a body`);
      if (length !== undefined && Number.isSafeInteger(length) && length >= 0) return { body, length };
      body.destroy();
      throw wrongAnswer(`${this.place} answered a read without a length`);
    } catch (error) {
      if (isMissing(causeOf(error))) return undefined;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#ask('delete a blob', (options) =>
      this.#client.send(new DeleteObjectCommand(this.#named(key)), options),
    );
  }

  /**
   * Deletes an object whose key is used again. After the answer to a second request, the first, which had none, could
   * still be carried out.
   * @param until ends the request
   */
  async deleteOnce(key: string, until?: AbortSignal): Promise<void> {
    await this.#ask(
      'delete a blob',
      (options) => this.#once.send(new DeleteObjectCommand(this.#named(key)), options),
      until,
    );
  }

  /** The keys below `under`, in the order of their bytes. */
  async *keys(under: string, perPage = pageKeys): AsyncGenerator<string> {
    const prefix = this.#prefix + under;
    for (let after = ''; ; ) {
      const page = await this.#ask('list blobs', (options) =>
        this.#client.send(
          new ListObjectsV2Command({
            ...{ Bucket: this.#bucket, Prefix: prefix, MaxKeys: perPage },
            ...(after === '' ? {} : { StartAfter: after }),
          }),
          options,
        ),
      );
      // An answer of 200 can be a document about an error, which would look like an empty page.
      if (page.Name === undefined) throw wrongAnswer(`${this.place} answered a listing with something else`);
      const keys = (page.Contents ?? []).map(({ Key = '' }) => Key);
      for (const key of keys) {
        // Without this, a list would never end if the store repeats a page.
        if (key <= after) throw wrongAnswer(`${this.place} lists keys again, or not in their order`);
        after = key;
        if (key.startsWith(prefix)) yield key.slice(this.#prefix.length);
      }
      if (page.IsTruncated !== true) return;
      if (keys.length === 0) throw wrongAnswer(`${this.place} lists an empty page and says that more follow`);
    }
  }

  /** Uploads in parts that have not ended. One page of them is enough: the next look gets the rest. */
  async unfinished(): Promise<readonly UnfinishedUpload[]> {
    const { Uploads: uploads = [] } = await this.#ask('list uploads', (options) =>
      this.#client.send(
        new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: this.#prefix }),
        options,
      ),
    );
    return uploads.flatMap(({ Key: key = '', UploadId: id }) =>
      key.startsWith(this.#prefix) && id !== undefined ? [{ key: key.slice(this.#prefix.length), id }] : [],
    );
  }

  /** Begins an upload in parts that the caller has to end. */
  async beginUpload(key: string): Promise<UnfinishedUpload> {
    const { UploadId: id } = await this.#ask('begin an upload', (options) =>
      this.#client.send(new CreateMultipartUploadCommand(this.#named(key)), options),
    );
    if (id === undefined) throw wrongAnswer(`${this.place} began an upload without an id`);
    return { key, id };
  }

  async endUpload({ key, id: UploadId }: UnfinishedUpload): Promise<void> {
    await this.#ask('end an upload', (options) =>
      this.#client.send(new AbortMultipartUploadCommand({ ...this.#named(key), UploadId }), options),
    );
  }

  #named(key: string) {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  /** The client does not repeat a request whose body is a stream. */
  async #putWhole(key: string, file: HashedFile): Promise<void> {
    using _ = await this.#wholes.enter(this.signal);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendWhole(key, file);
      } catch (error) {
        this.signal.throwIfAborted();
        if (attempt >= this.times.tries || !isTransient(error)) throw error;
      }
      const pauseMs = firstPauseMs * 2 ** attempt * Math.random();
      await sleep(pauseMs, undefined, { signal: this.signal, ref: false });
    }
  }

  async #sendWhole(key: string, { path, size, sha256 }: HashedFile): Promise<void> {
    await using file = await open(path);
    const source = fileBody(file, size);
    const unreadable = new AbortController();
    // The client would wait for the rest.
    source.once('error', (error) => unreadable.abort(error));
    const given = { ...this.#named(key), Body: source, ContentLength: size };
    const requestTimeout = this.times.answerMs + size / slowestBytesPerMs;
    try {
      await this.#ask(
        'store a blob',
        (options) =>
          this.#client.send(signedWith(new PutObjectCommand(given), sha256), { ...options, requestTimeout }),
        unreadable.signal,
      );
    } finally {
      source.destroy();
    }
  }

  async #putParts(key: string, open: () => Readable, size: number): Promise<void> {
    using _ = await this.#uploads.enter(this.signal);
    const source = open();
    const partSize = Math.max(partBytes, Math.ceil(size / maxParts));
    const params = { ...this.#named(key), Body: source };
    const upload = new Upload({ client: this.#client, params, partSize, queueSize: partsAtOnce });
    const abort = () => void upload.abort().catch(() => {});
    this.signal.addEventListener('abort', abort);
    try {
      await upload.done();
    } catch (error) {
      throw storeFault(error, 'store a blob', this.place);
    } finally {
      this.signal.removeEventListener('abort', abort);
      source.destroy();
    }
  }

  /** A store or a proxy can answer 200 and keep nothing, or only a part. */
  async #requireLength(key: string, size: number): Promise<void> {
    const found = await this.length(key);
    if (found === size) return;
    const holds = found === undefined ? 'holds nothing' : `holds ${found} bytes`;
    throw wrongAnswer(`${this.place} took a blob of ${size} bytes, but ${holds} under its name`);
  }

  async #ask<T>(
    work: string,
    send: (options: { abortSignal: AbortSignal }) => Promise<T>,
    until?: AbortSignal,
  ): Promise<T> {
    const abortSignal = until === undefined ? this.signal : AbortSignal.any([this.signal, until]);
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const end = () => reject(abortSignal.reason);
    try {
      abortSignal.throwIfAborted();
      abortSignal.addEventListener('abort', end);
      return await Promise.race([send({ abortSignal }), ended]);
    } catch (error) {
      throw storeFault(error, work, this.place);
    } finally {
      abortSignal.removeEventListener('abort', end);
    }
  }
}

function clientOf({ endpoint, region }: BlobLocation, times: BucketTimes): S3Client {
  return new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: times.tries,
    // With it, the client opens a connection for each part, and does not send it to a store that ignores the header.
    expectContinueHeader: false,
    // Other servers than Amazon's refuse the newer checksums. Ward verifies every blob itself.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: times.connectMs,
      requestTimeout: times.answerMs,
      throwOnRequestTimeout: true,
      socketTimeout: times.idleMs,
      httpAgent: { keepAlive: true, maxSockets: connections },
      httpsAgent: { keepAlive: true, maxSockets: connections },
    },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

function readableOf(bytes: Uint8Array): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
    })(),
    { objectMode: false },
  );
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
