/** Blobs on their way: a temporary file and a running hash each, forgotten when nothing comes for too long. */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { formatSize, newId } from '../../lib/index.ts';
import { parseDigest } from '../digest.ts';
import type { Digest } from '../types.ts';
import { appendStream } from './append.ts';
import { type Content, openTemporary } from './content.ts';
import { registryStoreFault } from './faults.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import type { ExpectedChunk, RegistryStoreLimits, Upload } from './types.ts';

export interface Uploads {
  start(repository: RepositoryName): Upload;
  find(repository: RepositoryName, id: string): Upload;
  /** Forgets those that nothing was sent to for too long. */
  expire(): Promise<void>;
  /** Ends all. */
  close(): Promise<void>;
}

export interface UploadsOptions {
  readonly content: Content;
  readonly limits: RegistryStoreLimits;
  /** Bytes that the namespace holds already. */
  readonly usage: (namespace: string) => Promise<number>;
  /** Makes the content a blob of the repository; false when there is no room for it. */
  readonly record: (repository: RepositoryName, digest: Digest, size: number) => Promise<boolean>;
}

export function createUploads(options: UploadsOptions): Uploads {
  const { limits } = options;
  const sessions = new Map<string, Session>();
  const ofNamespace = (namespace: string) =>
    [...sessions.values()].filter((session) => session.namespace === namespace);
  /** What is on its way counts, too; else many uploads at once would be past the limit together. */
  const pending = (namespace: string) =>
    ofNamespace(namespace).reduce((sum, session) => sum + session.size + session.expected, 0);
  const expire = async () => {
    const before = performance.now() - limits.uploadIdleMs;
    await Promise.all([...sessions.values()].filter((each) => each.idleSince < before).map((each) => each.cancel()));
  };
  return {
    start(repository) {
      void expire();
      const namespace = namespaceOfRepository(repository);
      if (ofNamespace(namespace).length >= limits.uploadsPerNamespace) {
        throw registryStoreFault(
          'UPLOADS_EXHAUSTED',
          `${namespace} has ${limits.uploadsPerNamespace} uploads under way, and may not have more`,
        );
      }
      const session = new Session(repository, options, pending, () => sessions.delete(session.id));
      sessions.set(session.id, session);
      return session;
    },
    find(repository, id) {
      const session = sessions.get(id);
      if (session?.repository === repository) return session;
      throw registryStoreFault('UPLOAD_UNKNOWN', 'there is no such upload: it has ended, or nothing came for too long');
    },
    expire,
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.cancel()));
    },
  };
}

class Session implements Upload {
  readonly id = newId();
  readonly repository: RepositoryName;
  readonly namespace: string;
  readonly hash: Hash = createHash('sha256');
  size = 0;
  /** Bytes that a request under way has announced and not sent yet. */
  expected = 0;
  idleSince = performance.now();
  readonly #path: string;
  readonly #options: UploadsOptions;
  readonly #pending: (namespace: string) => number;
  readonly #forget: () => void;
  #source: Readable | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #hasEnded = false;

  constructor(
    repository: RepositoryName,
    options: UploadsOptions,
    pending: (namespace: string) => number,
    forget: () => void,
  ) {
    this.repository = repository;
    this.namespace = namespaceOfRepository(repository);
    this.#options = options;
    this.#path = options.content.temporaryPath();
    this.#pending = pending;
    this.#forget = forget;
  }

  append(source: Readable, expected: ExpectedChunk = {}): Promise<void> {
    return this.#inTurn(() => this.#append(source, expected));
  }

  finish(digest: Digest): Promise<void> {
    return this.#inTurn(() => this.#finish(digest));
  }

  async cancel(): Promise<void> {
    this.#forget();
    await this.#inTurn(() => this.#end()).catch(() => {});
  }

  /** Ends what another request is doing, and waits until it has ended. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#source?.destroy(registryStoreFault('UPLOAD_TAKEN_OVER', 'another request goes on with this upload'));
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
      throw registryStoreFault('UPLOAD_OUT_OF_ORDER', `the chunk begins at ${at}, and ${this.size} bytes are here`);
    }
    const from = this.size;
    const held = await this.#options.usage(this.namespace);
    this.expected = length ?? 0;
    this.#source = source;
    try {
      this.#admit(held, 0);
      const file = await openTemporary(this.#path);
      try {
        await this.#receive(file, source, held, from + (length ?? Number.POSITIVE_INFINITY));
      } finally {
        await file.close();
      }
    } finally {
      this.#source = undefined;
      this.expected = 0;
    }
    if (length !== undefined && this.size - from !== length) throw wrongSize(length);
  }

  /** A file that can't be written, or may not be, is of no use any more; a client that went away may come back. */
  async #receive(file: FileHandle, source: Readable, held: number, end: number): Promise<void> {
    let sourceError: unknown;
    source.once('error', (error) => {
      sourceError = error;
    });
    try {
      await appendStream(file, this, source, (bytes) => {
        if (this.size + bytes > end) throw wrongSize(end);
        this.#admit(held, bytes);
        this.expected = Math.max(0, this.expected - bytes);
      });
    } catch (error) {
      if (error !== sourceError) await this.#end();
      throw error;
    }
  }

  /** @throws Fault STORAGE_EXHAUSTED */
  #admit(held: number, bytes: number): void {
    const limit = this.#options.limits.bytesPerNamespace;
    const needed = held + this.#pending(this.namespace) + Math.max(0, bytes - this.expected);
    if (needed > limit) throw storageExhausted(this.namespace, limit);
  }

  async #finish(digest: Digest): Promise<void> {
    const actual = parseDigest(`sha256:${this.hash.digest('hex')}`);
    try {
      if (actual !== digest) {
        throw registryStoreFault('BLOB_DIGEST_WRONG', `the bytes have the digest ${actual}, not ${digest}`);
      }
      const file = await openTemporary(this.#path);
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      const { content, record, limits } = this.#options;
      const isRecorded = await content.adopt(this.#path, digest, () => record(this.repository, digest, this.size));
      if (!isRecorded) throw storageExhausted(this.namespace, limits.bytesPerNamespace);
    } finally {
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    this.#hasEnded = true;
    this.#forget();
    await rm(this.#path, { force: true });
  }
}

export function storageExhausted(namespace: string, limit: number) {
  return registryStoreFault(
    'STORAGE_EXHAUSTED',
    `${namespace} may hold ${formatSize(limit)} in the registry, and this would be more: delete what is not needed`,
  );
}

function wrongSize(length: number) {
  return registryStoreFault('BLOB_SIZE_WRONG', `the request has more or fewer bytes than the ${length} it announces`);
}
