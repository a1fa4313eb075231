/**
 * Finds the image of a `blackbox` action: `NAMESPACE/REPOSITORY[:TAG]` in the registry, if the namespace can pull it;
 * otherwise a name in Ward's image store.
 */
import { type BlobReader, isDigest } from '../../blobs/index.ts';
import {
  namespaceOfRepository,
  type PushedReference,
  parsePushedReference,
  type RegistryStore,
  unpackByDigest,
} from '../../content/index.ts';
import type { Image, ImageStore } from '../../images/index.ts';
import { type ImageSource, layoutSource } from '../../scanner/index.ts';
import { serverFault } from '../faults.ts';
import { sourceOf } from './push-gate.ts';

export interface ImageFinderOptions {
  readonly imagesDir: string;
  readonly registry: Pick<RegistryStore, 'findImage' | 'unpackImage'>;
  /** Namespaces whose repositories every namespace can pull. */
  readonly publicNamespaces: readonly string[];
}

export interface ImageFinder {
  /** @throws Fault IMAGE_NOT_FOUND, IMAGE_DENIED, MANIFEST_UNKNOWN and those of the stores */
  source(name: string, namespace: string): Promise<ImageSource>;
  /** The image store for sandboxes, including the registry's images. */
  storeOver(images: ImageStore): ImageStore;
}

export function createImageFinder(options: ImageFinderOptions): ImageFinder {
  const { imagesDir, registry, publicNamespaces } = options;
  return {
    async source(name, namespace) {
      const pushed = parsePushedReference(name);
      if (pushed === undefined) return layoutSource(name, imagesDir, { tag: withTag(name) });
      const owner = namespaceOfRepository(pushed.repository);
      if (owner !== namespace && !publicNamespaces.includes(owner)) {
        throw serverFault('IMAGE_DENIED', `the namespace ${namespace} can’t use the image ${name}`);
      }
      return sourceOf(name, await registry.findImage(pushed.repository, pushed.reference));
    },
    storeOver: (images) =>
      storeWith(images, ({ repository, reference }) =>
        registry.unpackImage(repository, reference, imagesDir),
      ),
  };
}

/**
 * The image store of a node without the registry's database: it finds pushed images by digest alone.
 * @param pushed content of the registry
 */
export function storeOfDigests(
  images: ImageStore,
  pushed: Pick<BlobReader, 'get' | 'open' | 'localFile'>,
  imagesDir: string,
): ImageStore {
  return storeWith(images, async ({ repository, reference }) => {
    if (isDigest(reference)) return unpackByDigest(pushed, repository, reference, imagesDir);
    throw serverFault(
      'IMAGE_DENIED',
      `this node can’t find ${repository}:${reference}: it knows digests only`,
    );
  });
}

function storeWith(images: ImageStore, unpack: (pushed: PushedReference) => Promise<Image>): ImageStore {
  return {
    list: () => images.list(),
    resolve(reference): Promise<Image> {
      const pushed = parsePushedReference(reference);
      return pushed === undefined ? images.resolve(reference) : unpack(pushed);
    },
    mountRoot: (image, folders) => images.mountRoot(image, folders),
    close: () => images.close(),
    [Symbol.asyncDispose]: () => images[Symbol.asyncDispose](),
  };
}

function withTag(name: string): string {
  return name.includes(':') ? name : `${name}:latest`;
}
