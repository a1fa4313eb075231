/** What the registry is told of the world around it: who calls, and who judges what is pushed. */
import type { Digest } from '../blobs/index.ts';
import type { DeletedManifest, ManifestDocument } from '../content/index.ts';

/** `push` is also to delete. */
export type RegistryRight = 'pull' | 'push';

/** Whose key a request has. */
export interface RegistryCaller {
  readonly namespace: string;
  readonly keyId: string;
  /** Tells a namespace from an earlier one of the same name. Epoch milliseconds. */
  readonly createdAt: number;
  /** Whether the key allows this in a repository of its namespace. */
  may(right: RegistryRight, repository: string): boolean;
}

/** A manifest that is to become visible. */
export interface PushedManifest {
  readonly namespace: string;
  /** Who pushes it. */
  readonly keyId: string;
  readonly repository: string;
  /** A tag, or the digest. */
  readonly reference: string;
  /** All that name it from now on. */
  readonly tags: readonly string[];
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly document: ManifestDocument;
  /** What it says something about. */
  readonly subject?: Digest | undefined;
  /** What it says that it is; undefined for what is an image. */
  readonly artifactType?: string | undefined;
}

export interface PushGate {
  /** Blobs will come: what reads them may get ready. Never throws, never waits. */
  uploadBegun(): void;
  /** As each blob of a repository is complete: scanning may begin. Never throws, never waits. */
  blobArrived(repository: string, digest: Digest): void;
  /**
   * Before a manifest becomes visible, when all of its parts are there. Rejects with a Fault of the kind 'denied' to
   * refuse it, and its message is what the client shows. It resolves to warnings, for clients that show them.
   */
  manifestArrived(push: PushedManifest): Promise<readonly string[] | undefined>;
  /** When it is visible, before the client is told. Never throws. */
  manifestAccepted(push: PushedManifest): Promise<void>;
  /** When it is gone, before the client is told. Never throws. */
  manifestDeleted(repository: string, deleted: DeletedManifest): Promise<void>;
}

export interface RegistryLimits {
  /** All manifests together that are in memory, since they are being read or judged; bytes. */
  readonly manifestsInMemory: number;
  /** Requests that are sending a blob, of all namespaces and of one. */
  readonly uploadsAtOnce: number;
  readonly uploadsAtOncePerNamespace: number;
  /** How long a client may have to wait for the gate; ms. */
  readonly gateWaitMs: number;
  readonly tokenLifetimeMs: number;
  /** Names in one page of a list, whatever the client asks for. */
  readonly pageLength: number;
  /** How long what comes behind a refusal is read and dropped, so that the client sees the answer; ms. */
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
