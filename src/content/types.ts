/** What the registry's storage offers to those who serve, judge and run what was pushed. */
import type { Readable } from 'node:stream';
import type { BlobCopier, ByteRange, Digest, LocalFile, SecondName } from '../blobs/index.ts';
import type { Config, Image } from '../images/index.ts';
import type { ManifestDocument } from './manifest-document.ts';
import type { RepositoryName, Tag } from './names.ts';

export interface RegistryStoreLimits {
  /** Of blobs and manifests together, each counted once and as 4096 at least. */
  readonly bytesPerNamespace: number;
  readonly repositoriesPerNamespace: number;
  readonly tagsPerRepository: number;
  /** That are under way. */
  readonly uploadsPerNamespace: number;
  /** An upload that nothing was sent to for so long is forgotten. */
  readonly uploadIdleMs: number;
  /** Blobs of no manifest stay for so long: a client that was told that one is there is about to push its manifest. */
  readonly graceMs: number;
  /** Manifests that nothing names any more go after so long; 0: they stay. */
  readonly untaggedMs: number;
}

/** What holds for a namespace. */
export type LimitsOf = (namespace: string) => Promise<RegistryStoreLimits>;

/** A blob on its way. It does not outlive the process. */
export interface Upload {
  readonly id: string;
  readonly repository: RepositoryName;
  /** Bytes so far. */
  readonly size: number;
  /**
   * Appends all of `source`; a request that does so already is ended, since the newest knows best. What came before an
   * error of the source stays.
   * @param source Its pieces are taken over: their memory is given back as soon as it is written.
   * @param expected Where the chunk begins, and its length, as far as the client says so; bytes.
   * @throws Fault UPLOAD_OUT_OF_ORDER, BLOB_SIZE_WRONG, STORAGE_EXHAUSTED, UPLOAD_TAKEN_OVER
   */
  append(source: Readable, expected?: ExpectedChunk): Promise<void>;
  /** Makes it a blob of its repository; returns what Ward knows it by. @throws Fault BLOB_DIGEST_WRONG, STORAGE_EXHAUSTED */
  finish(digest: Digest | SecondName): Promise<Digest>;
  cancel(): Promise<void>;
}

export interface ExpectedChunk {
  readonly at?: number | undefined;
  readonly length?: number | undefined;
}

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
}

/** What is gone. */
export interface DeletedManifest {
  /** Undefined: only a tag was taken away. */
  readonly digest: Digest | undefined;
  readonly tags: readonly string[];
  /** What it said something about. */
  readonly subject: Digest | undefined;
}

/** What says something about a manifest. */
export interface Referrer extends StoredManifest {
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ManifestPush {
  readonly repository: RepositoryName;
  readonly document: ManifestDocument;
  /** What else it is called, taken of its bytes. */
  readonly secondName?: SecondName | undefined;
  readonly tags: readonly Tag[];
  /**
   * Asked once all parts are there, before anybody can see the manifest; what it throws refuses it. With a Fault of the
   * kind 'denied' its blobs are gone, too, from all repositories of the namespace that do not need them otherwise.
   */
  readonly admit: () => Promise<void>;
}

/** What comes after a name, in the order of bytes. */
export interface PageQuery {
  readonly after: string;
  readonly limit: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

export interface PushedLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** The compressed bytes, not verified. */
  open(): Promise<Readable>;
  /** The same as a file. */
  localFile(): Promise<LocalFile>;
}

/** An image of one platform. */
export interface PushedImage {
  /** Of its manifest. */
  readonly digest: Digest;
  readonly config: Config;
  readonly configBytes: Buffer;
  /** Lowest first. */
  readonly layers: readonly PushedLayer[];
}

export interface Swept {
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface SweepOptions {
  /** Since when there is a namespace of this name, epoch milliseconds; undefined: there is none. */
  readonly namespaceSince: (name: string) => number | undefined | Promise<number | undefined>;
  /** Manifests that something runs, though no tag may name them any more. */
  readonly isInUse: (repository: RepositoryName, digest: Digest) => boolean | Promise<boolean>;
  readonly signal?: AbortSignal;
}

/**
 * Blobs, manifests and tags of repositories. Whatever ends the process: what was answered is there, and what was not
 * is there whole or not at all.
 */
export interface RegistryStore extends AsyncDisposable {
  /** Begins one. @throws Fault UPLOADS_EXHAUSTED */
  startUpload(repository: RepositoryName): Upload;
  /** @throws Fault UPLOAD_UNKNOWN */
  upload(repository: RepositoryName, id: string): Upload;

  /** What Ward knows bytes by that a client may call otherwise; undefined: nobody pushed any of this name. */
  resolveDigest(name: Digest | SecondName): Promise<Digest | undefined>;
  /** `readManifestDocument`, with the digests of what the manifest calls otherwise. @throws Fault MANIFEST_INVALID, MANIFEST_PART_UNKNOWN */
  readDocument(bytes: Buffer, contentType: string): Promise<ManifestDocument>;

  /**
   * Bytes of a blob that the repository has; it is kept for a while from now on.
   * @param which `accepted`: only one that an accepted manifest needs
   * @throws Fault BLOB_UNKNOWN
   */
  blobSize(repository: RepositoryName, digest: Digest, which?: 'any' | 'accepted'): Promise<number>;
  /** The bytes of any blob, whoever has it, or a part of them, not verified. @throws Fault BLOB_NOT_FOUND */
  openBlob(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** The same as a file: for other processes. @throws Fault BLOB_NOT_FOUND */
  localBlob(digest: Digest): Promise<LocalFile>;
  /** The same, for many of them at once. @throws Fault BLOB_NOT_FOUND */
  blobCopier(digest: Digest, range: ByteRange): Promise<BlobCopier>;
  /**
   * Gives the repository a blob that `from` has, or any repository of the same namespace; false when they don't.
   * @throws Fault STORAGE_EXHAUSTED
   */
  mountBlob(repository: RepositoryName, digest: Digest, from?: RepositoryName): Promise<boolean>;
  /** @throws Fault BLOB_UNKNOWN, CONTENT_IN_USE */
  deleteBlob(repository: RepositoryName, digest: Digest): Promise<void>;

  /** @throws Fault MANIFEST_PART_UNKNOWN, MANIFEST_INVALID, STORAGE_EXHAUSTED, and what `admit` throws */
  putManifest(push: ManifestPush): Promise<void>;
  /** @throws Fault MANIFEST_UNKNOWN */
  findManifest(repository: RepositoryName, reference: Tag | Digest): Promise<StoredManifest>;
  /** Its bytes as they were pushed. @throws Fault BLOB_NOT_FOUND, BLOB_CORRUPT */
  readManifest(digest: Digest): Promise<Buffer>;
  /** Takes the tag away; or the manifest with all of its tags. @throws Fault MANIFEST_UNKNOWN, CONTENT_IN_USE */
  deleteManifest(repository: RepositoryName, reference: Tag | Digest): Promise<DeletedManifest>;

  /** @throws Fault REPOSITORY_UNKNOWN */
  listTags(repository: RepositoryName, page: PageQuery): Promise<Page<string>>;
  /** Those that have manifests, and a name that begins with one of the prefixes. */
  listRepositories(prefixes: readonly string[], page: PageQuery): Promise<Page<string>>;
  /** In the order of their digests; none, too, when there is no such subject. May be fewer than asked for. */
  listReferrers(
    repository: RepositoryName,
    subject: Digest | SecondName,
    artifactType: string | undefined,
    page: PageQuery,
  ): Promise<Page<Referrer>>;
  /**
   * Manifests that say something about this one, in all repositories that have both: what these tags name there, and its
   * referrers. Those of the oldest repositories come first, and there is an end to them: referrers of other types than these
   * are the first to be left out.
   */
  listCompanions(
    subject: Digest,
    tags: readonly Tag[],
    types: readonly string[],
  ): Promise<readonly StoredManifest[]>;
  /** Indexes that list this one and that something lies beside, in all repositories that have both; the oldest first. */
  listIndexes(child: Digest, suffix: string): Promise<readonly Digest[]>;
  /** Manifests with referrers, or with a tag `sha256-<hex>` and this suffix beside them; they need not be there themselves. */
  listSubjects(suffix: string): Promise<readonly Digest[]>;

  /** The parts of an image, whatever its manifest calls them; it need not be in the store yet. @throws Fault IMAGE_INVALID */
  readImage(document: ManifestDocument): Promise<PushedImage>;
  /** The image behind a reference; an index is narrowed to this machine. @throws Fault MANIFEST_UNKNOWN, IMAGE_INVALID */
  findImage(repository: RepositoryName, reference: Tag | Digest): Promise<PushedImage>;
  /**
   * The same, unpacked into the image store in `imagesDir`, as sandboxes are made from.
   * @throws Fault MANIFEST_UNKNOWN, IMAGE_INVALID, ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID
   */
  unpackImage(repository: RepositoryName, reference: Tag | Digest, imagesDir: string): Promise<Image>;

  /** Bytes that the namespace holds, counted as its limit is. */
  usage(namespace: string): Promise<number>;
  /** Forgets the namespace's repositories that are older than this; epoch milliseconds. */
  forgetNamespace(namespace: string, createdBefore: number): Promise<void>;
  /** Removes what nothing needs any more, a little at a time; pushes may go on meanwhile. */
  sweep(options: SweepOptions): Promise<Swept>;
  close(): Promise<void>;
}
