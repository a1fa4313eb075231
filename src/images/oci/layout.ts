/**
 * An OCI image layout in a folder (`oci-layout`, `index.json`, `blobs/`), Ward's own or a foreign one. The name of an
 * image is in `org.opencontainers.image.ref.name`. `index.json` is replaced in one step, under a lock that ends with
 * its process, so that writers never lose each other's names; readers need no lock.
 * Source: OCI image-spec v1.1, image-layout.md.
 */

import { join } from 'node:path';
import { blobPath, type Digest, digestOf, openBlobStore, writeFileAtomically } from '../../blobs/index.ts';
import { imageFault } from '../faults.ts';
import { parseConfig } from './config-document.ts';
import { readDocumentFile } from './layout-blobs.ts';
import { lockFile } from './lock.ts';
import {
  type Config,
  type Descriptor,
  type Index,
  indexMediaType,
  indexSchema,
  indexTypes,
  type Manifest,
  manifestSchema,
  parseDocument,
  refNameAnnotation,
} from './schema.ts';

const lockWaitMs = 10_000;
const layoutText = '{"imageLayoutVersion":"1.0.0"}';

/** An image's documents, each checked against its digest. */
export interface LayoutImage {
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly config: Config;
  readonly sizeBytes: number;
}

/** The index of the layout in `dir`; undefined when `dir` has none. @throws Fault IMAGE_INVALID */
export async function readIndex(dir: string): Promise<Index | undefined> {
  const bytes = await readDocumentFile(join(dir, 'index.json'));
  return bytes === undefined ? undefined : parseDocument(indexSchema, bytes, join(dir, 'index.json'));
}

/** The name of an entry of an index. */
export function refNameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[refNameAnnotation];
}

/** Stores a JSON document as a blob and describes it. */
export async function putDocument(dir: string, mediaType: string, value: unknown): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  return { mediaType, digest: await openBlobStore(dir).put(bytes), size: bytes.length };
}

/** Gives `manifest` these names; other entries lose them. Creates the layout if it is missing. */
export async function tagManifest(
  dir: string,
  manifest: Descriptor,
  names: readonly string[],
): Promise<void> {
  await writeFileAtomically(join(dir, 'oci-layout'), layoutText);
  await replaceIndex(dir, async (entries) => {
    const others = entries.filter((entry) => !names.includes(refNameOf(entry) ?? ''));
    const named = names.map((name) => ({
      ...manifest,
      annotations: { ...manifest.annotations, [refNameAnnotation]: name },
    }));
    return [...others, ...named];
  });
}

/** Changes the index under its lock; leaves it as it is when `change` throws. */
export async function replaceIndex(
  dir: string,
  change: (entries: readonly Descriptor[]) => Promise<readonly Descriptor[]>,
): Promise<void> {
  const lock = await lockFile(join(dir, 'index.lock'), lockWaitMs);
  try {
    const manifests = await change((await readIndex(dir))?.manifests ?? []);
    const next = { schemaVersion: 2, mediaType: indexMediaType, manifests };
    await writeFileAtomically(join(dir, 'index.json'), JSON.stringify(next));
  } finally {
    lock.release();
  }
}

/**
 * Reads the image of an entry of an index; for a multi-platform image, the one for this machine's architecture.
 * @throws Fault IMAGE_INVALID
 */
export function readImage(dir: string, entry: Descriptor): Promise<LayoutImage> {
  return readImageFrom((descriptor) => readBlob(dir, descriptor), entry);
}

/**
 * Does the same for images from any source: `read` returns bytes, which are checked here.
 * @param architecture in OCI's notation: `amd64`
 * @throws Fault IMAGE_INVALID, also for an index within an index
 */
export async function readImageFrom(
  read: (descriptor: Descriptor) => Promise<Buffer>,
  entry: Descriptor,
  architecture = ociArchitecture(),
): Promise<LayoutImage> {
  const readDocument = async (descriptor: Descriptor) => checked(await read(descriptor), descriptor);
  let chosen = entry;
  if (indexTypes.has(entry.mediaType)) {
    const inner = parseDocument(indexSchema, await readDocument(entry), `index ${entry.digest}`);
    chosen = pickPlatform(inner.manifests, `index ${entry.digest}`, architecture);
  }
  const manifest = parseDocument(manifestSchema, await readDocument(chosen), `manifest ${chosen.digest}`);
  const config = parseConfig(await readDocument(manifest.config), `config ${manifest.config.digest}`);
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    throw imageFault(
      'IMAGE_INVALID',
      `manifest ${chosen.digest} and its config disagree on the number of layers`,
    );
  }
  const sizeBytes = [chosen, manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0);
  return { digest: chosen.digest, manifest, config, sizeBytes };
}

/** This machine's name in Go's notation, which OCI uses. */
export function ociArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

/** The entry for an architecture, by default this machine's. @throws Fault IMAGE_INVALID */
export function pickPlatform(
  entries: readonly Descriptor[],
  what: string,
  wanted = ociArchitecture(),
): Descriptor {
  const fits = ({ platform }: Descriptor) => platform?.os === 'linux' && platform.architecture === wanted;
  const found = entries.find((entry) => fits(entry) && !indexTypes.has(entry.mediaType));
  if (found !== undefined) return found;
  const offered = entries.map(({ platform }) => `${platform?.os}/${platform?.architecture}`).join(', ');
  throw imageFault('IMAGE_INVALID', `${what} has no image for linux/${wanted}; it has: ${offered || 'none'}`);
}

async function readBlob(dir: string, { digest }: Descriptor): Promise<Buffer> {
  const bytes = await readDocumentFile(blobPath(dir, digest));
  if (bytes !== undefined) return bytes;
  throw imageFault('IMAGE_INVALID', `${dir} lacks the blob ${digest}`);
}

function checked(bytes: Buffer, { digest, size }: Descriptor): Buffer {
  if (bytes.length === size && digestOf(bytes) === digest) return bytes;
  throw imageFault('IMAGE_INVALID', `the blob ${digest} does not match its size or digest`);
}
