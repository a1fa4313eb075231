/** Images of the registry as bases, with their attachments, across all repositories. */
import { buffer } from 'node:stream/consumers';
import type { Digest } from '../../blobs/index.ts';
import {
  type Companion,
  type ManifestDocument,
  namespaceOfRepository,
  parseTag,
  type RegistryStore,
  readManifestDocument,
} from '../../content/index.ts';
import { type ArtifactLayer, companionSuffixes, companionTag, companionTypes } from '../../gate/index.ts';
import { indexTypes, manifestMediaType } from '../../images/index.ts';
import { BoundedMap, isFault, type Log } from '../../lib/index.ts';
import { type CompanionsByOwner, companionLayers } from './companion-layers.ts';

export interface PushedBases {
  holds(digest: Digest): Promise<boolean>;
  companions(digest: Digest): Promise<readonly ArtifactLayer[]>;
  /** Indexes that list the image for some platform, and have attachments. */
  indexesOf(digest: Digest): Promise<readonly Digest[]>;
  /** Digests that an index lists; empty when it is missing or not an index. */
  listedBy(digest: Digest): Promise<readonly Digest[]>;
  /** The layers of an image, lowest first; for an index those of each of its images; empty when it is missing. */
  layersOf(digest: Digest): Promise<readonly (readonly Digest[])[]>;
  /** Images with attachments. */
  companioned(): Promise<readonly Digest[]>;
}

export type BasesRegistry = Pick<
  RegistryStore,
  'listCompanions' | 'listIndexes' | 'listSubjects' | 'readManifest' | 'openBlob' | 'readImage'
>;

/** Content behind a digest never changes, so it is cached. */
const kept = 20_000;
/** Limit of platforms of an index that are read. */
const mostPlatforms = 50;
/** A newly signed base counts after this time. */
const listedForMs = 1000;

export function openPushedBases(registry: BasesRegistry, log: Log): PushedBases {
  const known = new BoundedMap<Digest, readonly (readonly Digest[])[]>(kept);
  let listed: Promise<readonly Digest[]> | undefined;
  let listedAt = 0;
  const read = async (digest: Digest): Promise<readonly (readonly Digest[])[]> => {
    const document = documentOf(await registry.readManifest(digest));
    if (!document.isIndex) {
      return [(await registry.readImage(document)).layers.map(({ diffId }) => diffId)];
    }
    const children = document.manifests.slice(0, mostPlatforms).map(async (child) => {
      const image = documentOf(await registry.readManifest(child.digest));
      return image.isIndex ? [] : [(await registry.readImage(image)).layers.map(({ diffId }) => diffId)];
    });
    return (await Promise.all(children)).flat();
  };
  /** An index lists attestations beside its images, for a platform that does not exist. */
  const listedBy = async (digest: Digest): Promise<readonly Digest[]> => {
    try {
      const { manifests } = documentOf(await registry.readManifest(digest));
      const images = manifests.slice(0, mostPlatforms).filter(({ platform }) => platform?.os !== 'unknown');
      return images.map((each) => each.digest);
    } catch (error) {
      if (isFault(error)) return [];
      throw error;
    }
  };
  return {
    async holds(digest) {
      try {
        await registry.readManifest(digest);
        return true;
      } catch (error) {
        if (isFault(error)) return false;
        throw error;
      }
    },
    async companions(digest) {
      const tags = companionSuffixes.map((suffix) => parseTag(companionTag(digest, suffix)));
      const found = await registry.listCompanions(digest, tags, companionTypes);
      const blobs = {
        readManifest: registry.readManifest,
        readBlob: async (blob: Digest) => buffer(await registry.openBlob(blob)),
      };
      return companionLayers(byOwner(found), blobs, log);
    },
    async indexesOf(digest) {
      const found: Digest[] = [];
      for (const index of await registry.listIndexes(digest, '.sig')) {
        if ((await listedBy(index)).includes(digest)) found.push(index);
      }
      return found;
    },
    listedBy,
    async layersOf(digest) {
      const before = known.get(digest);
      if (before !== undefined) return before;
      try {
        const layers = await read(digest);
        known.set(digest, layers);
        return layers;
      } catch (error) {
        // A deleted image, or other content, is not a base.
        if (isFault(error)) return [];
        throw error;
      }
    },
    companioned() {
      if (listed === undefined || performance.now() - listedAt > listedForMs) {
        listedAt = performance.now();
        listed = registry.listSubjects('.sig');
      }
      return listed;
    },
  };
}

/** Trust depends on the signer, so no namespace comes before another one: each has a fair share of what is read. */
function byOwner(found: readonly Companion[]): CompanionsByOwner {
  const namespaces = Map.groupBy(found, ({ repository }) => namespaceOfRepository(repository));
  return [...namespaces.values()].map((owned) =>
    [...Map.groupBy(owned, ({ repository }) => repository).values()].map((manifests) =>
      manifests.map(({ digest }) => digest),
    ),
  );
}

/** Guesses the type of a manifest that has none, as some clients write it. */
function documentOf(bytes: Buffer): ManifestDocument {
  const [first = manifestMediaType] = indexTypes;
  try {
    return readManifestDocument(bytes, manifestMediaType);
  } catch (error) {
    if (isFault(error)) return readManifestDocument(bytes, first);
    throw error;
  }
}
