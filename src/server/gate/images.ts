/**
 * Where the image of a `blackbox` action is: `NAMESPACE/REPOSITORY[:TAG]` in the registry, if the namespace may pull it;
 * else a name in Ward's image store.
 */
import {
  type Image,
  type ImageStore,
  isRepositoryName,
  isTag,
  namespaceOfRepository,
  parseDigest,
  type RegistryStore,
  type RepositoryName,
  type Tag,
} from '../../images/index.ts';
import { type ImageSource, layoutSource } from '../../scanner/index.ts';
import { serverFault } from '../faults.ts';
import type { ImageEvidence } from './evidence.ts';
import { sourceOf } from './push-gate.ts';

export interface ImageFinderOptions {
  readonly images: ImageStore;
  readonly imagesDir: string;
  readonly registry: Pick<RegistryStore, 'findImage' | 'unpackImage'>;
  readonly evidence: Pick<ImageEvidence, 'seen'>;
  /** Namespaces whose repositories are everybody's to pull. */
  readonly publicNamespaces: readonly string[];
}

export interface ImageFinder {
  /** @throws Fault IMAGE_NOT_FOUND, IMAGE_DENIED, MANIFEST_UNKNOWN and those of the stores */
  source(name: string, namespace: string): Promise<ImageSource>;
  /** The store that sandboxes are made from, with the registry's images in it. */
  readonly store: ImageStore;
}

export function createImageFinder(options: ImageFinderOptions): ImageFinder {
  const { images, imagesDir, registry, evidence, publicNamespaces } = options;
  return {
    async source(name, namespace) {
      const pushed = parsePushedName(name);
      if (pushed === undefined) return layoutSource(name, imagesDir, { tag: withTag(name) });
      const owner = namespaceOfRepository(pushed.repository);
      if (owner !== namespace && !publicNamespaces.includes(owner)) {
        throw serverFault('IMAGE_DENIED', `the namespace ${namespace} may not use the image ${name}`);
      }
      const image = await registry.findImage(pushed.repository, pushed.tag);
      evidence.seen(image.digest, pushed.repository);
      return sourceOf(name, image);
    },
    store: {
      list: () => images.list(),
      resolve(reference): Promise<Image> {
        const pushed = parsePushedName(reference);
        if (pushed === undefined) return images.resolve(reference);
        return registry.unpackImage(pushed.repository, pushed.tag, imagesDir);
      },
      mountRoot: (image, folders) => images.mountRoot(image, folders),
      close: () => images.close(),
      [Symbol.asyncDispose]: () => images[Symbol.asyncDispose](),
    },
  };
}

interface PushedName {
  readonly repository: RepositoryName;
  readonly tag: Tag | ReturnType<typeof parseDigest>;
}

/** Undefined for what is no name of a repository of a namespace. */
function parsePushedName(name: string): PushedName | undefined {
  const [, repository = '', tag, digest] = /^([^:@]+\/[^:@]+)(?::([^@]+)|@(sha256:.+))?$/.exec(name) ?? [];
  if (!isRepositoryName(repository)) return undefined;
  if (digest !== undefined) return { repository, tag: parseDigest(digest) };
  const wanted = tag ?? 'latest';
  return isTag(wanted) ? { repository, tag: wanted } : undefined;
}

function withTag(name: string): string {
  return name.includes(':') ? name : `${name}:latest`;
}
