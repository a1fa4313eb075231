/** One blob that is being uploaded. Its requests are served one after the other. */
import type { Readable } from 'node:stream';
import { type BlobWriter, type Digest, isDigest, type SecondName, wrongDigest } from '../blobs/index.ts';
import { newId } from '../lib/index.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import { noRoom, type Room } from './room.ts';
import { secondNameOf } from './second-names.ts';
import type { ExpectedChunk, Upload } from './types.ts';
import { outOfOrder, takenOver, type UploadOptions, uploadUnknown, wrongSize } from './uploads.ts';

interface SessionOptions extends UploadOptions {
  /** Bytes that are being uploaded to it. */
  readonly pending: (namespace: string) => number;
  readonly forget: (id: string) => void;
}

export class UploadSession implements Upload {
  readonly id = newId();
  readonly repository: RepositoryName;
  readonly namespace: string;
  /** Bytes that the current request has announced and not sent yet. */
  announced = 0;
  /** Time of the monotonic clock; in the future while a request is running. */
  idleSince = performance.now();
  readonly #writer: BlobWriter;
  readonly #options: SessionOptions;
  #source: Readable | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #hasEnded = false;

  constructor(repository: RepositoryName, options: SessionOptions) {
    this.repository = repository;
    this.namespace = namespaceOfRepository(repository);
    this.#options = options;
    this.#writer = options.content.blobs.write();
  }

  get size(): number {
    return this.#writer.size;
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

  /** Ends another request, and waits until it has ended. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#source?.destroy(takenOver());
    this.idleSince = Number.POSITIVE_INFINITY;
    const result = this.#turn.then(async () => {
      if (this.#hasEnded) throw uploadUnknown();
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
    if (at !== undefined && at !== this.size) throw outOfOrder(at, this.size);
    const from = this.size;
    this.#source = source;
    // The source can end before it is read; the reader then gets the error.
    source.on('error', () => {});
    this.announced = length ?? 0;
    try {
      const held = await this.#options.usage(this.namespace);
      const { bytesPerNamespace: allowed } = await this.#options.limitsOf(this.namespace);
      this.#admit({ held, allowed }, 0);
      await this.#receive(source, { held, allowed }, from, length);
    } finally {
      this.#source = undefined;
      this.announced = 0;
    }
    if (length !== undefined && this.size - from !== length) throw wrongSize(length);
  }

  /** A client that has disconnected can resume; an upload that was refused or can't be written can't. */
  async #receive(source: Readable, room: Room, from: number, length: number | undefined): Promise<void> {
    let isRefused = false;
    const admit = (bytes: number) => {
      isRefused = true;
      if (length !== undefined && this.size + bytes > from + length) throw wrongSize(length);
      this.#admit(room, bytes);
      isRefused = false;
      this.announced = Math.max(0, this.announced - bytes);
    };
    try {
      await this.#writer.append(source, admit);
    } catch (error) {
      if (this.#writer.isBroken || (isRefused && !source.destroyed)) await this.#end();
      throw error;
    }
  }

  /** @throws Fault STORAGE_EXHAUSTED */
  #admit({ held, allowed }: Room, bytes: number): void {
    this.#options.admitWrite(bytes);
    const needed = held + this.#options.pending(this.namespace) + Math.max(0, bytes - this.announced);
    if (needed > allowed) throw noRoom(this.namespace, { held, allowed });
  }

  async #finish(name: Digest | SecondName): Promise<Digest> {
    const { content, record } = this.#options;
    const writer = this.#writer;
    try {
      const digest = isDigest(name) ? name : writer.digest();
      if (!isDigest(name)) {
        const found = await secondNameOf(await writer.read());
        if (found !== name) throw wrongDigest(found, name);
      }
      const blob = { digest, size: this.size, secondName: isDigest(name) ? undefined : name };
      await content.adopt(writer, digest, () => record(this.repository, blob));
      return digest;
    } finally {
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    this.#hasEnded = true;
    this.#options.forget(this.id);
    await this.#writer[Symbol.asyncDispose]();
  }
}
