/** One blob on its way: a temporary file and a running hash. Its requests are served one after the other. */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type Digest, isDigest, parseDigest, type SecondName } from '../blobs/index.ts';
import { newId } from '../lib/index.ts';
import { appendStream, type Growing } from './append.ts';
import { type Content, openTemporary } from './content.ts';
import { registryStoreFault } from './faults.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import { noRoom, type Room } from './room.ts';
import { type SecondNames, secondNameOf } from './second-names.ts';
import type { ExpectedChunk, LimitsOf, RegistryStoreLimits, Upload } from './types.ts';

export interface SessionOptions {
  readonly content: Content;
  readonly limits: RegistryStoreLimits;
  readonly limitsOf: LimitsOf;
  /** Bytes that the namespace holds already. */
  readonly usage: (namespace: string) => Promise<number>;
  /** Throws when the disk has no room. */
  readonly admitWrite: (bytes: number) => void;
  /** Bytes that are on their way to it. */
  readonly pending: (namespace: string) => number;
  /** Makes the content a blob of the repository. @throws Fault STORAGE_EXHAUSTED */
  readonly record: (repository: RepositoryName, digest: Digest, size: number) => Promise<void>;
  readonly names: Pick<SecondNames, 'add'>;
  readonly forget: (id: string) => void;
}

export class UploadSession implements Upload, Growing {
  readonly id = newId();
  readonly repository: RepositoryName;
  readonly namespace: string;
  readonly hash: Hash = createHash('sha256');
  size = 0;
  isBroken = false;
  /** Bytes that the request under way has announced and not sent yet. */
  announced = 0;
  /** By the monotonic clock; in the future while a request is under way. */
  idleSince = performance.now();
  readonly #path: string;
  readonly #options: SessionOptions;
  #source: Readable | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #hasEnded = false;

  constructor(repository: RepositoryName, options: SessionOptions) {
    this.repository = repository;
    this.namespace = namespaceOfRepository(repository);
    this.#options = options;
    this.#path = options.content.temporaryPath();
  }

  append(source: Readable, expected: ExpectedChunk = {}): Promise<void> {
    return this.#inTurn(() => this.#append(source, expected));
  }

  async finish(digest: Digest | SecondName): Promise<Digest> {
    let actual: Digest | undefined;
    await this.#inTurn(async () => {
      actual = await this.#finish(digest);
    });
    if (actual === undefined) throw new Error('an upload ended without a digest');
    return actual;
  }

  async cancel(): Promise<void> {
    this.#options.forget(this.id);
    await this.#inTurn(() => this.#end()).catch(() => {});
  }

  /** Ends what another request is doing, and waits until it has ended. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#source?.destroy(
      registryStoreFault('UPLOAD_TAKEN_OVER', 'another request goes on with this upload'),
    );
    this.idleSince = Number.POSITIVE_INFINITY;
    const result = this.#turn.then(async () => {
      if (this.#hasEnded) throw registryStoreFault('UPLOAD_UNKNOWN', 'the upload has ended');
      this.idleSince = Number.POSITIVE_INFINITY;
      try {
        await work();
      } finally {
        this.idleSince = performance.now();
      }
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  async #append(source: Readable, { at, length }: ExpectedChunk): Promise<void> {
    if (at !== undefined && at !== this.size) {
      throw registryStoreFault(
        'UPLOAD_OUT_OF_ORDER',
        `the chunk begins at ${at}, and ${this.size} bytes are here`,
      );
    }
    const from = this.size;
    this.#source = source;
    // It may be ended before it is read; who reads it is told then.
    source.on('error', () => {});
    this.announced = length ?? 0;
    try {
      const held = await this.#options.usage(this.namespace);
      const { bytesPerNamespace: allowed } = await this.#options.limitsOf(this.namespace);
      this.#admit({ held, allowed }, 0);
      const file = await openTemporary(this.#path);
      try {
        await this.#receive(file, source, { held, allowed }, from, length);
      } finally {
        await file.close();
      }
    } finally {
      this.#source = undefined;
      this.announced = 0;
    }
    if (length !== undefined && this.size - from !== length) throw wrongSize(length);
  }

  /** A client that went away may come back; what is refused, or can't be written, is not gone on with. */
  async #receive(
    file: FileHandle,
    source: Readable,
    room: Room,
    from: number,
    length: number | undefined,
  ): Promise<void> {
    try {
      await appendStream(file, this, source, (bytes) => {
        if (length !== undefined && this.size + bytes > from + length) throw wrongSize(length);
        this.#admit(room, bytes);
        this.announced = Math.max(0, this.announced - bytes);
      });
    } catch (error) {
      if (this.isBroken || !source.destroyed) await this.#end();
      throw error;
    }
  }

  /** @throws Fault STORAGE_EXHAUSTED */
  #admit({ held, allowed }: Room, bytes: number): void {
    this.#options.admitWrite(bytes);
    const needed = held + this.#options.pending(this.namespace) + Math.max(0, bytes - this.announced);
    if (needed > allowed) throw noRoom(this.namespace, { held, allowed });
  }

  async #finish(digest: Digest | SecondName): Promise<Digest> {
    try {
      const actual = parseDigest(`sha256:${this.hash.digest('hex')}`);
      const file = await openTemporary(this.#path);
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      const found = isDigest(digest) ? actual : await secondNameOf(this.#path);
      if (found !== digest) {
        throw registryStoreFault('BLOB_DIGEST_WRONG', `the bytes have the digest ${found}, not ${digest}`);
      }
      const { content, record, names } = this.#options;
      await content.adopt(this.#path, actual, async () => {
        await record(this.repository, actual, this.size);
        if (!isDigest(digest)) await names.add(digest, actual);
      });
      return actual;
    } finally {
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    this.#hasEnded = true;
    this.#options.forget(this.id);
    await rm(this.#path, { force: true });
  }
}

function wrongSize(length: number) {
  return registryStoreFault(
    'BLOB_SIZE_WRONG',
    `the request has more or fewer bytes than the ${length} that it announces`,
  );
}
