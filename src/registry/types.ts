/** The registry's callers, the gate that judges pushes, and the limits. */
import type { Digest } from '../blobs/index.ts';
import type { DeletedManifest, ManifestDocument } from '../content/index.ts';

/** `push` includes the right to delete. */
export type RegistryRight = 'pull' | 'push';

/** The owner of a request's key. */
export interface RegistryCaller {
  readonly namespace: string;
  readonly keyId: string;
  /** Whose login the key is from, for the audit log. */
  readonly person?: string | undefined;
  /** Distinguishes a namespace from an earlier one of the same name. Epoch milliseconds. */
  readonly createdAt: number;
  /** Whether the key allows this in a repository of its namespace. */
  may(right: RegistryRight, repository: string): boolean;
}

/** The owner of a key; undefined when the key was revoked or has expired. */
export type OwnerOf = (keyId: string) => Owner | undefined | Promise<Owner | undefined>;
type Owner = Pick<RegistryCaller, 'namespace' | 'createdAt' | 'person'>;

/** A manifest before it becomes visible. */
export interface PushedManifest {
  readonly namespace: string;
  /** The key that pushes it. */
  readonly keyId: string;
  /** Whose login the key is from. */
  readonly person?: string | undefined;
  readonly repository: string;
  /** A tag, or the digest. */
  readonly reference: string;
  /** All tags that will name it. */
  readonly tags: readonly string[];
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly document: ManifestDocument;
  /** The manifest that it is about. */
  readonly subject?: Digest | undefined;
  /** The type that it declares; undefined for an image. */
  readonly artifactType?: string | undefined;
}

export interface PushGate {
  /** Announces blobs, so that their reader can prepare. Never throws, never waits. */
  uploadBegun(): void;
  /** Called for each complete blob of a repository, so that scans can begin. Never throws, never waits. */
  blobArrived(repository: string, digest: Digest): void;
  /**
   * Called before a manifest becomes visible, after all of its parts have arrived. To refuse it, rejects with a Fault
   * of the kind 'denied', whose message the client shows. Resolves to warnings, for clients that show them.
   */
  manifestArrived(push: PushedManifest): Promise<readonly string[] | undefined>;
  /** Called after it has become visible, before the client's answer. Never throws. */
  manifestAccepted(push: PushedManifest): Promise<void>;
  /** Called after its deletion, before the client's answer. Never throws. */
  manifestDeleted(repository: string, deleted: DeletedManifest): Promise<void>;
}

export interface RegistryLimits {
  /** Limit of the bytes of all manifests in memory, while clients send them or the gate judges them. */
  readonly manifestsInMemory: number;
  /** Limits of concurrent requests that send a blob, for all namespaces and for one. */
  readonly uploadsAtOnce: number;
  readonly uploadsAtOncePerNamespace: number;
  /** Maximum time that a client waits for the gate; ms. */
  readonly gateWaitMs: number;
  readonly tokenLifetimeMs: number;
  /** Maximum number of names in one page of a list. */
  readonly pageLength: number;
  /** How long the registry reads and drops a body after a refusal, so that the client sees the answer; ms. */
  readonly lingerMs: number;
}

export const defaultRegistryLimits: RegistryLimits = {
  manifestsInMemory: 64 * 1024 * 1024,
  uploadsAtOnce: 256,
  uploadsAtOncePerNamespace: 32,
  gateWaitMs: 15 * 60_000,
  tokenLifetimeMs: 5 * 60_000,
  pageLength: 1000,
  lingerMs: 10_000,
};
