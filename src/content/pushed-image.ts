/** Pushed images: their parts for readers, and their unpacked layers for sandboxes. */

import type { BlobReader, Digest } from '../blobs/index.ts';
import {
  type Config,
  type Image,
  imageFault,
  isLayerType,
  maxDocumentBytes,
  maxLayers,
  openLayerStore,
  parseConfig,
  pickPlatform,
} from '../images/index.ts';
import { formatSize } from '../lib/index.ts';
import { type ManifestDocument, maxManifestBytes, readStoredManifest } from './manifest-document.ts';
import type { Manifests } from './manifests.ts';
import type { RepositoryName, Tag } from './names.ts';
import type { PushedImage } from './types.ts';

/** The bytes determine the compression, not the type. */
const tarLayerMediaType = 'application/vnd.oci.image.layer.v1.tar';

type Blobs = Pick<BlobReader, 'get' | 'open' | 'localFile'>;

export interface PushedImages {
  read(document: ManifestDocument): Promise<PushedImage>;
  find(repository: RepositoryName, reference: Tag | Digest): Promise<PushedImage>;
  unpack(repository: RepositoryName, reference: Tag | Digest, imagesDir: string): Promise<Image>;
}

export function createPushedImages(blobs: Blobs, manifests: Manifests): PushedImages {
  const documentOf = async (
    repository: RepositoryName,
    reference: Tag | Digest,
  ): Promise<ManifestDocument> => {
    const { digest, mediaType } = await manifests.find(repository, reference);
    const document = await manifests.parse(await manifests.read(digest), mediaType);
    if (!document.isIndex) return document;
    return documentOf(repository, pickPlatform(document.manifests, `index ${digest}`).digest);
  };
  const find = async (repository: RepositoryName, reference: Tag | Digest) =>
    readParts(blobs, await documentOf(repository, reference), 'layer');
  return {
    read: (document) => readParts(blobs, document, 'any'),
    find,
    async unpack(repository, reference, imagesDir) {
      const image = await find(repository, reference);
      return unpackParts(blobs, image, nameOf(repository, reference), imagesDir);
    },
  };
}

/**
 * Unpacks an image without the database of the registry: the digest is that of its manifest, or of an index.
 * @throws Fault BLOB_NOT_FOUND, MANIFEST_INVALID, MANIFEST_PART_UNKNOWN, IMAGE_INVALID, IMAGE_UNSAFE
 */
export async function unpackByDigest(
  blobs: Blobs,
  repository: RepositoryName,
  digest: Digest,
  imagesDir: string,
): Promise<Image> {
  const document = await manifestIn(blobs, digest);
  const chosen = document.isIndex
    ? await manifestIn(blobs, pickPlatform(document.manifests, `index ${digest}`).digest)
    : document;
  const image = await readParts(blobs, chosen, 'layer');
  return unpackParts(blobs, image, nameOf(repository, digest), imagesDir);
}

async function manifestIn(blobs: Blobs, digest: Digest): Promise<ManifestDocument> {
  return readStoredManifest(await blobs.get(digest, maxManifestBytes));
}

async function unpackParts(
  blobs: Blobs,
  image: PushedImage,
  reference: string,
  imagesDir: string,
): Promise<Image> {
  const layers = openLayerStore(imagesDir);
  const layerDirs: string[] = [];
  for (const { digest, mediaType, size, diffId } of image.layers) {
    layerDirs.push(await layers.unpack(blobs, { digest, mediaType, size }, diffId));
  }
  return Object.freeze({ reference, digest: image.digest, config: configOf(image.config), layerDirs });
}

/**
 * @param types `any`: layers of any type, as engines accept them; `layer`: types that Ward itself runs
 * @throws Fault IMAGE_INVALID, BLOB_NOT_FOUND, BLOB_CORRUPT
 */
export async function readParts(
  blobs: Blobs,
  document: ManifestDocument,
  types: 'any' | 'layer',
): Promise<PushedImage> {
  const { digest, config: descriptor, layers } = document;
  if (descriptor === undefined) throw imageFault('IMAGE_INVALID', `${digest} is an index, not an image`);
  if (layers.length > maxLayers) {
    throw imageFault('IMAGE_INVALID', `${digest} has ${layers.length} layers; the limit is ${maxLayers}`);
  }
  const odd = types === 'any' ? undefined : layers.find(({ mediaType }) => !isLayerType(mediaType));
  if (odd !== undefined) {
    throw imageFault(
      'IMAGE_INVALID',
      `the layer ${odd.digest} has a type that Ward does not read: ${odd.mediaType}`,
    );
  }
  if (descriptor.size > maxDocumentBytes) {
    const most = formatSize(maxDocumentBytes);
    throw imageFault('IMAGE_INVALID', `config ${descriptor.digest} has more than ${most}`);
  }
  const configBytes = await blobs.get(descriptor.digest, maxDocumentBytes);
  const config = parseConfig(configBytes, `config ${descriptor.digest}`);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== layers.length) {
    throw imageFault('IMAGE_INVALID', `${digest} and its config disagree on the number of layers`);
  }
  return {
    digest,
    config,
    configBytes,
    layers: layers.map(({ digest: layer, mediaType, size }, at) => ({
      digest: layer,
      diffId: diffIds[at] ?? layer,
      mediaType: isLayerType(mediaType) ? mediaType : tarLayerMediaType,
      size,
      open: () => blobs.open(layer),
      localFile: () => blobs.localFile(layer),
    })),
  };
}

function nameOf(repository: RepositoryName, reference: Tag | Digest): string {
  return `${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
}

function configOf({ config }: Config): Image['config'] {
  return {
    env: config?.Env ?? [],
    entrypoint: config?.Entrypoint ?? [],
    cmd: config?.Cmd ?? [],
    workingDir: config?.WorkingDir || '/',
    user: config?.User ?? '',
    labels: config?.Labels ?? {},
  };
}
