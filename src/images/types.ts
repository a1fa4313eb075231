/** The types of images for the rest of Ward. */
import type { Digest } from '../blobs/index.ts';

export interface ImageConfig {
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An image in the store, or a folder that is used as one. */
export interface Image {
  /** The requested name: `nodejs:24`, `oci:DIR[:TAG]`, `rootfs:DIR`. */
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
   * @param namespace the namespace that runs it; undefined: the owner of the machine
   * @throws Fault IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_UNSAFE
   */
  resolve(reference: string, namespace?: string): Promise<Image>;
  /**
   * Mounts the image's root, once for all holders of the same image (overlay, read-only). Refuses an image whose
   * /dev, /proc, /sys, /tmp or another mount target is a symbolic link (IMAGE_UNSAFE).
   * @param folders absolute, normal paths: empty folders that the root gets where the image has nothing
   */
  mountRoot(image: Image, folders?: readonly string[]): Promise<RootFilesystem>;
  /** Unmounts roots that no holder has released. */
  close(): Promise<void>;
}

/** Limits for an archive from outside. */
export interface ArchiveLimits {
  readonly maxEntries: number;
  readonly maxTotalBytes: number;
  readonly maxEntryBytes: number;
  readonly maxPathDepth: number;
}
