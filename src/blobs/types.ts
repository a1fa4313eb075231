/** What other rooms know of content-addressed bytes. */
import type { Readable } from 'node:stream';

declare const digestBrand: unique symbol;
declare const secondNameBrand: unique symbol;

/** `sha256:` and 64 lower-case hex digits, checked. */
export type Digest = string & { readonly [digestBrand]: true };
/** `sha512:` and 128 lower-case hex digits, checked: what clients may call bytes whose digest Ward knows. */
export type SecondName = string & { readonly [secondNameBrand]: true };

/** Bytes from the first to the last, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Content-addressed bytes: layers, configs, function code. Whatever ends the process, a blob is there whole or not at
 * all, and what a put has answered for is there. The same bytes are one blob, however often they are put.
 */
export interface BlobStore {
  /** Also mends a damaged blob. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** The same for a stream of any length, which is never held in memory. An error here ends the stream. */
  putStream(source: Readable): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** Begins a blob whose bytes come one part after the other. */
  write(): BlobWriter;
  /**
   * All of it, verified.
   * @param maxBytes by default 1 GiB
   * @throws Fault BLOB_NOT_FOUND, BLOB_CORRUPT; FILE_INVALID when it is longer than `maxBytes`
   */
  get(digest: Digest, maxBytes?: number): Promise<Buffer>;
  /** All of it or a part, not verified. @throws Fault BLOB_NOT_FOUND */
  open(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** The same for many readers at once: makes no garbage, however many bytes there are. @throws Fault BLOB_NOT_FOUND */
  copier(digest: Digest, range: ByteRange): Promise<BlobCopier>;
  /** Its bytes as a file, for programs that take a path. @throws Fault BLOB_NOT_FOUND */
  localFile(digest: Digest): Promise<LocalFile>;
  has(digest: Digest): Promise<boolean>;
  /** Bytes of it; undefined when it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  delete(digest: Digest): Promise<void>;
  /** Every blob there is, in no order; one that comes or goes meanwhile may be missing. */
  list(): AsyncIterable<Digest>;
}

/** Bytes that are to be a blob, and are none before `commit`. Its calls are made one after the other. */
export interface BlobWriter extends AsyncDisposable {
  /** Bytes so far. */
  readonly size: number;
  /** A write failed, so what is kept may not be what came: the writer can only be disposed of. */
  readonly isBroken: boolean;
  /**
   * Appends all of `source`, which an error here does not end. What came before an error of the source stays.
   * @param source Its pieces are taken over: their memory is given back as soon as it is written.
   * @param admit Is told of each batch before it is written, and throws to refuse it.
   */
  append(source: Readable, admit?: (bytes: number) => void): Promise<void>;
  /** What came so far. */
  read(): Promise<Readable>;
  /** Of all that came: only `commit` may follow. */
  digest(): Digest;
  /** Makes what came the blob `expected`. @throws Fault BLOB_DIGEST_WRONG; BLOB_WRITE_FAILED when it is broken */
  commit(expected: Digest): Promise<void>;
}

export interface BlobCopier extends AsyncDisposable {
  /** `take` settles when its bytes are not needed any more: they are overwritten then. */
  copy(take: (bytes: Buffer) => Promise<void>): Promise<void>;
}

/** A file that stays until it is disposed of, even when its blob is deleted by the same store. Not to be written to. */
export interface LocalFile extends AsyncDisposable {
  readonly path: string;
}
