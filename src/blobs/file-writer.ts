/** A blob that is being received: a temporary file and a running hash. */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { appendStream, type Growing } from './append.ts';
import { digestHex, parseDigest } from './digest.ts';
import { blobFault, wrongDigest } from './faults.ts';
import type { BlobWriter, Digest } from './types.ts';
import { readBytes, renameDurably } from './whole-file.ts';

export interface FileWriterOptions {
  /** Folder of unfinished blobs; on the file system of the blobs. */
  readonly temporary: string;
  readonly mode: number;
  /** Folder of the blobs; created if it is missing. */
  readonly folder: string;
  /** False for a copy, which is not flushed: after a restart it is verified before its first use. */
  readonly isLasting: boolean;
}

/** Implements `BlobStore.putStream`, with a writer of the store. */
export async function putByWriter(
  blob: BlobWriter,
  source: Readable,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  await using writer = blob;
  try {
    await writer.append(source);
  } catch (error) {
    source.destroy();
    throw error;
  }
  const digest = writer.digest();
  await writer.commit(digest);
  return { digest, size: writer.size };
}

/** Holds no descriptor between its calls. */
export class FileWriter implements BlobWriter, Growing {
  readonly hash = createHash('sha256');
  size = 0;
  isBroken = false;
  readonly isLasting: boolean;
  readonly #options: FileWriterOptions;
  #digest: Digest | undefined;

  constructor(options: FileWriterOptions) {
    this.isLasting = options.isLasting;
    this.#options = options;
  }

  async append(source: Readable, admit: (bytes: number) => void = () => {}): Promise<void> {
    const file = await this.#open();
    try {
      await appendStream(file, this, source, admit);
    } finally {
      await file.close();
    }
  }

  async read(): Promise<Readable> {
    // The file does not exist before the first bytes.
    await (await this.#open()).close();
    return createReadStream(this.#options.temporary, { highWaterMark: readBytes });
  }

  digest(): Digest {
    this.#digest ??= parseDigest(`sha256:${this.hash.digest('hex')}`);
    return this.#digest;
  }

  /** Refuses bytes that are not those of `expected`. @throws Fault BLOB_DIGEST_WRONG, BLOB_WRITE_FAILED */
  check(expected: Digest): void {
    const digest = this.digest();
    if (this.isBroken) throw blobFault('BLOB_WRITE_FAILED', 'some of the bytes could not be written');
    if (digest !== expected) throw wrongDigest(digest, expected);
  }

  async commit(expected: Digest): Promise<void> {
    this.check(expected);
    const file = await this.#open();
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(this.#options.temporary, join(this.#options.folder, digestHex(expected)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#options.temporary, { force: true });
  }

  async #open(): Promise<FileHandle> {
    const { folder, temporary, mode } = this.#options;
    await mkdir(folder, { recursive: true });
    return open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, mode);
  }
}
