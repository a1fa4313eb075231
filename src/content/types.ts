/** The contract of the registry's storage, for serving, judging and running pushed content. */
import type { Readable } from 'node:stream';
import type { BlobCopier, ByteRange, Digest, LocalFile, SecondName } from '../blobs/index.ts';
import type { Config, Image } from '../images/index.ts';
import type { UnsealedEntries } from '../store/index.ts';
import type { ManifestDocument } from './manifest-document.ts';
import type { RepositoryName, Tag } from './names.ts';

export interface RegistryStoreLimits {
  /** Bytes of blobs and manifests together, each counted once and as at least 4096. */
  readonly bytesPerNamespace: number;
  readonly repositoriesPerNamespace: number;
  readonly tagsPerRepository: number;
  /** Limit of uploads in progress. */
  readonly uploadsPerNamespace: number;
  /** An upload without data for this time is dropped. */
  readonly uploadIdleMs: number;
  /** Time that blobs without a manifest stay: a client that found one is about to push its manifest. */
  readonly graceMs: number;
  /** Time that the bytes of a blob stay after a sweep has decided to remove them. */
  readonly doomedMs: number;
  /** Unreferenced manifests are removed after this time; 0: never. */
  readonly untaggedMs: number;
}

/** Returns the limits of a namespace. */
export type LimitsOf = (namespace: string) => Promise<RegistryStoreLimits>;

/** A blob that is being uploaded. When servers share database and blobs, each of them can continue it. */
export interface Upload {
  readonly id: string;
  readonly repository: RepositoryName;
  /** Bytes so far. */
  readonly size: number;
  /**
   * Appends all of `source`, and ends an earlier request that is still appending, since the newest request is
   * authoritative. Bytes before an error of the source stay.
   * @param source its pieces are taken over: their memory is released as soon as they are written
   * @param expected offset and length of the chunk in bytes, if the client sends them
   * @throws Fault UPLOAD_OUT_OF_ORDER, BLOB_SIZE_WRONG, STORAGE_EXHAUSTED, UPLOAD_TAKEN_OVER
   */
  append(source: Readable, expected?: ExpectedChunk): Promise<void>;
  /** Makes it a blob of its repository, and returns Ward's digest. @throws Fault BLOB_DIGEST_WRONG, STORAGE_EXHAUSTED */
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

/** A manifest that describes another one of its repository. */
export interface Companion extends StoredManifest {
  readonly repository: RepositoryName;
}

/** The deleted parts. */
export interface DeletedManifest {
  /** Undefined: only a tag was removed. */
  readonly digest: Digest | undefined;
  readonly tags: readonly string[];
  /** The manifest that it described. */
  readonly subject: Digest | undefined;
}

/** A manifest that describes another one. */
export interface Referrer extends StoredManifest {
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ManifestPush {
  readonly repository: RepositoryName;
  readonly document: ManifestDocument;
  /** Its second name, computed from its bytes. */
  readonly secondName?: SecondName | undefined;
  readonly tags: readonly Tag[];
  /**
   * Called after all parts have arrived, before the manifest becomes visible; an error refuses it. A Fault of the
   * kind 'denied' also removes its blobs from all repositories of the namespace that do not need them otherwise.
   */
  readonly admit: () => Promise<void>;
}

/** A page of entries after a name, in the order of bytes. */
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
  /** The compressed bytes as a file. */
  localFile(): Promise<LocalFile>;
}

/** An image of one platform. */
export interface PushedImage {
  /** Digest of its manifest. */
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
  /** Creation time of the namespace, epoch milliseconds; undefined when it does not exist. */
  readonly namespaceSince: (name: string) => number | undefined | Promise<number | undefined>;
  /** Whether something runs the manifest, even without a tag. */
  readonly isInUse: (repository: RepositoryName, digest: Digest) => boolean | Promise<boolean>;
  readonly signal?: AbortSignal;
}

/** `accepted`: only blobs that an accepted manifest of their repository needs. */
export type WhichBlobs = 'any' | 'accepted';

/**
 * Blobs, manifests and tags of repositories. However the process ends, acknowledged content exists, and other content
 * exists completely or not at all.
 */
export interface RegistryStore extends AsyncDisposable {
  /** Begins an upload. @throws Fault UPLOADS_EXHAUSTED */
  startUpload(repository: RepositoryName): Promise<Upload>;
  /** @throws Fault UPLOAD_UNKNOWN */
  upload(repository: RepositoryName, id: string): Promise<Upload>;

  /** Ward's digest of bytes that a client can name otherwise; undefined when nothing was pushed with this name. */
  resolveDigest(name: Digest | SecondName): Promise<Digest | undefined>;
  /** Like `readManifestDocument`, with the digests of second names in the manifest. @throws Fault MANIFEST_INVALID, MANIFEST_PART_UNKNOWN */
  readDocument(bytes: Buffer, contentType: string): Promise<ManifestDocument>;

  /**
   * Size of a blob of the repository; the sweep then keeps the blob for a while.
   * @throws Fault BLOB_UNKNOWN
   */
  blobSize(repository: RepositoryName, digest: Digest, which?: WhichBlobs): Promise<number>;
  /** Opens any blob of any repository, or a part of it, not verified. @throws Fault BLOB_NOT_FOUND */
  openBlob(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** Gives the blob as a file, for other processes. @throws Fault BLOB_NOT_FOUND */
  localBlob(digest: Digest): Promise<LocalFile>;
  /** Opens a blob for many readers at once. @throws Fault BLOB_NOT_FOUND */
  blobCopier(digest: Digest, range: ByteRange): Promise<BlobCopier>;
  /**
   * Links a blob of `from`, or of any repository of the same namespace, to the repository; false when they lack it.
   * @throws Fault STORAGE_EXHAUSTED
   */
  mountBlob(
    repository: RepositoryName,
    digest: Digest,
    from?: RepositoryName,
    which?: WhichBlobs,
  ): Promise<boolean>;
  /** @throws Fault BLOB_UNKNOWN, CONTENT_IN_USE */
  deleteBlob(repository: RepositoryName, digest: Digest): Promise<void>;

  /** @throws Fault MANIFEST_PART_UNKNOWN, MANIFEST_INVALID, STORAGE_EXHAUSTED, and errors of `admit` */
  putManifest(push: ManifestPush): Promise<void>;
  /** @throws Fault MANIFEST_UNKNOWN */
  findManifest(repository: RepositoryName, reference: Tag | Digest): Promise<StoredManifest>;
  /** Its bytes, as pushed. @throws Fault BLOB_NOT_FOUND, BLOB_CORRUPT */
  readManifest(digest: Digest): Promise<Buffer>;
  /** Deletes the tag, or the manifest with all of its tags. @throws Fault MANIFEST_UNKNOWN, CONTENT_IN_USE */
  deleteManifest(repository: RepositoryName, reference: Tag | Digest): Promise<DeletedManifest>;

  /** @throws Fault REPOSITORY_UNKNOWN */
  listTags(repository: RepositoryName, page: PageQuery): Promise<Page<string>>;
  /** Repositories with manifests whose names begin with one of the prefixes. */
  listRepositories(prefixes: readonly string[], page: PageQuery): Promise<Page<string>>;
  /** Referrers in the order of their digests; empty without such a subject. Can return fewer than the limit. */
  listReferrers(
    repository: RepositoryName,
    subject: Digest | SecondName,
    artifactType: string | undefined,
    page: PageQuery,
  ): Promise<Page<Referrer>>;
  /**
   * Manifests that describe this one, in all repositories that have both: those under these tags, and its referrers. Their
   * number is limited, so the namespaces take turns, and in each its repositories. In a repository, referrers of other types
   * than these come last.
   */
  listCompanions(
    subject: Digest,
    tags: readonly Tag[],
    types: readonly string[],
  ): Promise<readonly Companion[]>;
  /** Indexes that list this one and have companions, in all repositories that have both. The namespaces take turns. */
  listIndexes(child: Digest, suffix: string): Promise<readonly Digest[]>;
  /** Digests of manifests with referrers, or with a tag `sha256-<hex>` and this suffix; the manifests themselves may be missing. */
  listSubjects(suffix: string): Promise<readonly Digest[]>;

  /**
   * The parts of an image, even if its manifest declares other types; the image can be missing in the store.
   * @throws Fault IMAGE_INVALID
   */
  readImage(document: ManifestDocument): Promise<PushedImage>;
  /** The image behind a reference; an index is narrowed to this machine. @throws Fault MANIFEST_UNKNOWN, IMAGE_INVALID */
  findImage(repository: RepositoryName, reference: Tag | Digest): Promise<PushedImage>;
  /**
   * Finds the image and unpacks it into the image store in `imagesDir`, for sandboxes.
   * @throws Fault MANIFEST_UNKNOWN, IMAGE_INVALID, ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID
   */
  unpackImage(repository: RepositoryName, reference: Tag | Digest, imagesDir: string): Promise<Image>;

  /** Entries of the audit log for pushes and deletions. */
  readonly unsealed: Pick<UnsealedEntries, 'read' | 'drop'>;
  /** Bytes that the namespace holds, counted like its limit. */
  usage(namespace: string): Promise<number>;
  /** Removes the namespace's repositories that are older than this; epoch milliseconds. */
  forgetNamespace(namespace: string, createdBefore: number): Promise<void>;
  /** Removes unneeded content in small steps; pushes can continue meanwhile, and other servers can sweep. */
  sweep(options: SweepOptions): Promise<Swept>;
  close(): Promise<void>;
}
