/** What is known of images apart from their content: signatures that were pushed beside them, and Ward's own bases. */
import { buffer } from 'node:stream/consumers';
import { type ArtifactLayer, companionTag, type KnownBase, layersOf } from '../../gate/index.ts';
import {
  type Digest,
  type ImageStore,
  ownImageNames,
  parseTag,
  type RegistryStore,
  type RepositoryName,
} from '../../images/index.ts';
import { isFault } from '../../lib/index.ts';
import { layoutSource } from '../../scanner/index.ts';

export interface EvidenceOptions {
  readonly images: Pick<ImageStore, 'list'>;
  readonly imagesDir: string;
  readonly registry: Pick<RegistryStore, 'findManifest' | 'readManifest' | 'openBlob'>;
}

export interface ImageEvidence {
  /** Tells in which repository an image is: its signatures lie beside it. */
  seen(digest: Digest, repository: RepositoryName): void;
  signatures(digest: Digest): Promise<readonly ArtifactLayer[]>;
  bases(): Promise<readonly KnownBase[]>;
}

/** Images whose repository is remembered. */
const kept = 10_000;
const longestSignature = 1024 * 1024;

export function createEvidence({ images, imagesDir, registry }: EvidenceOptions): ImageEvidence {
  const repositories = new Map<Digest, RepositoryName>();
  let bases: Promise<readonly KnownBase[]> | undefined;

  const layersBeside = async (
    digest: Digest,
    repository: RepositoryName,
  ): Promise<readonly ArtifactLayer[]> => {
    const { digest: at } = await registry.findManifest(repository, parseTag(companionTag(digest, 'sig')));
    const descriptors = layersOf(await registry.readManifest(at)).filter(
      ({ size }) => size <= longestSignature,
    );
    return Promise.all(
      descriptors.map(async ({ mediaType, digest: blob, annotations = {} }) => ({
        mediaType,
        content: await buffer(await registry.openBlob(blob)),
        annotations,
      })),
    );
  };

  return {
    seen(digest, repository) {
      if (repositories.size >= kept) repositories.clear();
      repositories.set(digest, repository);
    },
    async signatures(digest) {
      const repository = repositories.get(digest);
      if (repository === undefined) return [];
      try {
        return await layersBeside(digest, repository);
      } catch (error) {
        if (isFault(error, 'MANIFEST_UNKNOWN')) return [];
        throw error;
      }
    },
    bases() {
      bases ??= ownBases(images, imagesDir);
      return bases;
    },
  };
}

/** Of the store's images those that Ward's own recipe makes: functions that were built in house are there as well. */
async function ownBases(images: Pick<ImageStore, 'list'>, imagesDir: string): Promise<readonly KnownBase[]> {
  const own = ownImageNames();
  const found: KnownBase[] = [];
  for (const { name } of await images.list()) {
    if (!own.has(name)) continue;
    const { digest, layers } = await layoutSource(name, imagesDir, { tag: name });
    const diffIds = layers.map(({ diffId }) => diffId);
    found.push({ name, digest, diffIds, builtByWard: true, signedBy: [] });
  }
  return found;
}
