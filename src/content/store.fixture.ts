/** A registry store in a temporary folder, and content for its tests. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type BlobStore, type Digest, digestOf } from '../blobs/index.ts';
import { configMediaType, manifestMediaType } from '../images/index.ts';
import { openBlobFiles } from './content.ts';
import { type ManifestDocument, readManifestDocument } from './manifest-document.ts';
import { parseRepositoryName, parseTag, type RepositoryName } from './names.ts';
import { openRegistryStore, type RegistryStoreOptions } from './registry-store.ts';
import type { RegistryStore, SweepOptions } from './types.ts';

export interface TestStore extends AsyncDisposable {
  readonly dir: string;
  readonly store: RegistryStore;
  /** The store that sweeps: the same, or that of another server. */
  readonly sweeper: RegistryStore;
  /** Files of blobs, by digest. */
  files(): Promise<Set<string>>;
}

export const app = parseRepositoryName('guest/app');

/** For a sweep in which nothing is in use and all namespaces have always existed. */
export const sweepAll: SweepOptions = { namespaceSince: () => 0, isInUse: () => false };

export interface TestStoreOptions extends Omit<RegistryStoreOptions, 'dir' | 'blobs'> {
  /** Puts something in front of the store of bytes. */
  readonly wrapBlobs?: (blobs: BlobStore) => BlobStore;
}

export async function openTestStore({ wrapBlobs, ...options }: TestStoreOptions = {}): Promise<TestStore> {
  const dir = await mkdtemp(join(tmpdir(), 'ward-registry-store-'));
  const blobs = wrapBlobs?.(await openBlobFiles(dir));
  const store = await openRegistryStore({ dir, ...options, blobs });
  return {
    dir,
    store,
    sweeper: store,
    files: async () => new Set((await readdir(join(dir, 'blobs/sha256'))).map((name) => `sha256:${name}`)),
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

export async function putBlob(
  store: RegistryStore,
  repository: RepositoryName,
  bytes: Buffer,
): Promise<Digest> {
  const upload = await store.startUpload(repository);
  await upload.append(Readable.from([Buffer.from(bytes)]));
  await upload.finish(digestOf(bytes));
  return digestOf(bytes);
}

/** Layers as in the manifest, with their unpacked content. */
export interface TestLayer {
  readonly packed: Buffer;
  readonly plain: Buffer;
  readonly mediaType?: string;
}

export function layerOf(text: string): TestLayer {
  return { packed: Buffer.from(text), plain: Buffer.from(text) };
}

export function documentOf(layers: readonly TestLayer[], more: object = {}) {
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Cmd: ['/run'], Env: ['A=b'], Labels: { colour: 'green' } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ plain }) => digestOf(plain)) },
    }),
  );
  const describe = (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    config: describe(config, configMediaType),
    layers: layers.map(({ packed, mediaType = 'application/vnd.oci.image.layer.v1.tar' }) =>
      describe(packed, mediaType),
    ),
    ...more,
  };
  const document = readManifestDocument(Buffer.from(JSON.stringify(manifest)), manifestMediaType);
  return { document, blobs: [config, ...layers.map(({ packed }) => packed)] };
}

export async function putManifest(
  store: RegistryStore,
  repository: RepositoryName,
  document: ManifestDocument,
  ...tags: readonly string[]
): Promise<void> {
  await store.putManifest({ repository, document, tags: tags.map(parseTag), admit: async () => {} });
}

export async function putImage(
  store: RegistryStore,
  repository: RepositoryName,
  layers: readonly TestLayer[],
  ...tags: readonly string[]
): Promise<ManifestDocument> {
  const { document, blobs } = documentOf(layers);
  for (const blob of blobs) await putBlob(store, repository, blob);
  await putManifest(store, repository, document, ...tags);
  return document;
}
