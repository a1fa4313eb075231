/**
 * Finds the image of a `blackbox` action: `NAMESPACE/REPOSITORY[:TAG]` in the registry, if the namespace can pull it;
 * otherwise a name in Ward's image store.
 */
import { namespaceOfRepository, parsePushedReference, type RegistryStore } from '../../content/index.ts';
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
    storeOver: (images) => ({
      list: () => images.list(),
      resolve(reference): Promise<Image> {
        const pushed = parsePushedReference(reference);
        if (pushed === undefined) return images.resolve(reference);
        return registry.unpackImage(pushed.repository, pushed.reference, imagesDir);
      },
      mountRoot: (image, folders) => images.mountRoot(image, folders),
      close: () => images.close(),
      [Symbol.asyncDispose]: () => images[Symbol.asyncDispose](),
    }),
  };
}

function withTag(name: string): string {
  return name.includes(':') ? name : `${name}:latest`;
}
