/** What the rest of Ward knows of an image. */

declare const digestBrand: unique symbol;
declare const secondNameBrand: unique symbol;

/** `sha256:` and 64 lower-case hex digits, checked. */
export type Digest = string & { readonly [digestBrand]: true };
/** `sha512:` and 128 lower-case hex digits, checked: what clients may call bytes whose digest Ward knows. */
export type SecondName = string & { readonly [secondNameBrand]: true };

export interface ImageConfig {
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An image that is in the store, or a folder that stands for one. */
export interface Image {
  /** As it was asked for: `nodejs:24`, `oci:DIR[:TAG]`, `rootfs:DIR`. */
  readonly reference: string;
  /** The manifest's digest; undefined for `rootfs:DIR`. */
  readonly digest: Digest | undefined;
  readonly config: ImageConfig;
  /** Absolute folders of the unpacked layers, lowest first. */
  readonly layerDirs: readonly string[];
}

/** A read-only root filesystem that stays mounted until its last holder releases it. */
export interface RootFilesystem extends AsyncDisposable {
  readonly path: string;
  release(): Promise<void>;
}

export interface StoredImage {
  readonly name: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly createdAt: string;
}

export interface ImageStore extends AsyncDisposable {
  list(): Promise<readonly StoredImage[]>;
  /**
   * @param namespace for which it will be run; undefined: for whoever owns the machine
   * @throws Fault IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_UNSAFE
   */
  resolve(reference: string, namespace?: string): Promise<Image>;
  /**
   * Mounts the image's root, once for all holders of the same image (overlay, read-only). Refuses an image
   * whose /dev, /proc, /sys, /tmp or another mount target is a symbolic link (IMAGE_UNSAFE).
   * @param folders Absolute, normal paths: empty folders that the root has where the image has nothing.
   */
  mountRoot(image: Image, folders?: readonly string[]): Promise<RootFilesystem>;
  /** Unmounts what no holder released. */
  close(): Promise<void>;
}

/** Content-addressed bytes: layers, configs, function code. */
export interface BlobStore {
  /** Stores bytes atomically and returns their digest; storing the same bytes twice is one blob. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** @throws Fault BLOB_NOT_FOUND */
  get(digest: Digest): Promise<Buffer>;
  has(digest: Digest): Promise<boolean>;
  /** Bytes of it; undefined when it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  delete(digest: Digest): Promise<void>;
  /** Every blob there is, in no order; one that comes or goes meanwhile may be missing. */
  list(): AsyncIterable<Digest>;
}

/** What an archive from outside may be at most. */
export interface ArchiveLimits {
  readonly maxEntries: number;
  readonly maxTotalBytes: number;
  readonly maxEntryBytes: number;
  readonly maxPathDepth: number;
}
