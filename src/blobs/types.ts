/** The contract of content-addressed bytes. */
import type { Readable } from 'node:stream';

declare const digestBrand: unique symbol;
declare const secondNameBrand: unique symbol;

/** `sha256:` and 64 lower-case hex digits, checked. */
export type Digest = string & { readonly [digestBrand]: true };
/** `sha512:` and 128 lower-case hex digits, checked: a second name that clients may use for bytes. */
export type SecondName = string & { readonly [secondNameBrand]: true };

/** Bytes from the first to the last, both inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** The way to read content-addressed bytes. */
export interface BlobReader {
  /**
   * Reads the whole blob, verified.
   * @param maxBytes by default 1 GiB
   * @throws Fault BLOB_NOT_FOUND, BLOB_CORRUPT; FILE_INVALID when it is longer than `maxBytes`
   */
  get(digest: Digest, maxBytes?: number): Promise<Buffer>;
  /** Opens the blob or a part of it, not verified. @throws Fault BLOB_NOT_FOUND */
  open(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** Opens it for many readers at once. Produces no garbage, even for a large blob. @throws Fault BLOB_NOT_FOUND */
  copier(digest: Digest, range: ByteRange): Promise<BlobCopier>;
  /** Its bytes as a file, for programs that take a path. @throws Fault BLOB_NOT_FOUND */
  localFile(digest: Digest): Promise<LocalFile>;
}

/**
 * Content-addressed bytes: layers, configs, function code. However the process ends, a blob exists completely or not
 * at all, and every put that has settled is durable. The same bytes are one blob, however often they are put.
 */
export interface BlobStore extends BlobReader {
  /** Also repairs a damaged blob. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Stores a stream of any length, without holding it in memory. An error here ends the stream. */
  putStream(source: Readable): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** Begins a blob whose bytes arrive in parts. */
  write(): BlobWriter;
  has(digest: Digest): Promise<boolean>;
  /** Its size; undefined when it does not exist. */
  size(digest: Digest): Promise<number | undefined>;
  /**
   * Asks the store once. When it rejects, the bytes can be there or not, and the store may still remove them for
   * `lateMs` from the start of the call.
   * @param signal ends it
   */
  delete(digest: Digest, signal?: AbortSignal): Promise<void>;
  /** How long after its start a delete that has rejected can still be carried out. 0: never. */
  readonly lateMs: number;
  /** Every blob: in a bucket by digest, in a folder in no order. One that is added or removed meanwhile can be missing. */
  list(): AsyncIterable<Digest>;
}

/** Receives bytes that become a blob with `commit`. Make its calls one after the other. */
export interface BlobWriter extends AsyncDisposable {
  /** Bytes so far. */
  readonly size: number;
  /** A write failed, so the stored bytes can be wrong: the writer can only be disposed of. */
  readonly isBroken: boolean;
  /**
   * Appends all of `source`; an error here does not end the source. Bytes before an error of the source stay.
   * @param source its pieces are taken over: their memory is released as soon as they are written
   * @param admit called with the size of each batch before it is written; throws to refuse it
   */
  append(source: Readable, admit?: (bytes: number) => void): Promise<void>;
  /** The bytes so far. */
  read(): Promise<Readable>;
  /** The digest of all bytes. Only `commit` may follow. */
  digest(): Digest;
  /** Makes the bytes the blob `expected`. @throws Fault BLOB_DIGEST_WRONG; BLOB_WRITE_FAILED when it is broken */
  commit(expected: Digest): Promise<void>;
}

export interface BlobCopier extends AsyncDisposable {
  /** `take` settles when its bytes are no longer needed: then they are overwritten. */
  copy(take: (bytes: Buffer) => Promise<void>): Promise<void>;
}

/** A file that stays until it is disposed of, even when its blob is deleted by the same store. Not to be written to. */
export interface LocalFile extends AsyncDisposable {
  readonly path: string;
}

/** A place of its own for one kind of blobs. */
export interface BlobPlaceOptions {
  /** In the store: `code`, `registry`. */
  readonly name: string;
  /** Folder on this node, for copies. Its folder `cache` belongs to them alone. */
  readonly dir: string;
  /** Mode of the copies. */
  readonly mode: number;
  /** Mode of their folder. */
  readonly dirMode: number;
  /** Called with the number of bytes before a copy is written; throws when the disk has too little space. */
  readonly admitWrite?: ((bytes: number) => void) | undefined;
}

export interface SharedBlobs extends AsyncDisposable {
  open(options: BlobPlaceOptions): Promise<BlobStore>;
  /**
   * Binds the place to a database. After an error of the store, blobs are not deleted before a later try succeeds.
   * @param id of the database
   * @throws Fault BLOBS_OTHER_STORE when it belongs to another one
   */
  claim(id: string): Promise<void>;
  /** Whether that database has claimed it. @throws Fault BLOBS_OTHER_STORE when another one has */
  isOwnedBy(id: string): Promise<boolean>;
  /** Gives the place up, for another database. Nothing happens if it belongs to another one already. */
  release(id: string): Promise<void>;
}

/** What a probe of a store saw. */
export interface BlobProbe {
  readonly name: string;
  /** What Ward needs it for. */
  readonly neededFor: string;
  /** False: Ward works without it. */
  readonly isRequired: boolean;
  readonly result: 'ok' | 'failed' | 'skipped';
  readonly evidence: string;
}

export interface BlobProbeReport {
  /** The store, for messages. */
  readonly place: string;
  /** Whether everything that Ward requires works. */
  readonly ok: boolean;
  readonly probes: readonly BlobProbe[];
}
