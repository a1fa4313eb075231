/** Places of an image and its signatures: an OCI layout, or a repository of Ward's registry. */
import { resolve } from 'node:path';
import { type Digest, isDigest, openBlobStore, parseDigest } from '../../blobs/index.ts';
import { isRepositoryName, readManifestDocument } from '../../content/index.ts';
import {
  type Artifact,
  type ArtifactLayer,
  bundleMediaType,
  companionTag,
  layersOf,
} from '../../gate/index.ts';
import { type Descriptor, manifestMediaType, pickEntry, readIndex, refNameOf } from '../../images/index.ts';
import { actingAsOwner } from '../admin/act-as.ts';
import { serverFault } from '../faults.ts';
import type { PushTarget } from './push.ts';
import { createRegistryClient, type RegistryClient } from './registry.ts';
import { putArtifact } from './trust.ts';

/** A layer of the manifest that holds signatures. */
type SignatureLayer = ArtifactLayer & Pick<Descriptor, 'digest' | 'size'>;

export interface ImagePlace {
  /** Name of the image in the signed payload. */
  readonly name: string;
  readonly digest: Digest;
  /** Signatures under its tag. */
  signatures(): Promise<readonly SignatureLayer[]>;
  /** Sigstore bundles for it in the registry. */
  bundles(): Promise<readonly ArtifactLayer[]>;
  /** Subject of a new bundle; undefined when nothing can be attached in this place. */
  readonly subject: ManifestDescriptor | undefined;
  put(artifact: Artifact): Promise<void>;
}

type ManifestDescriptor = Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;

/** A payload has at most 64 KiB. */
const longestSignature = 1024 * 1024;

/**
 * `oci:DIR[:TAG]`; `NAMESPACE/NAME[:TAG|@DIGEST]` in the registry; any other name in Ward's image store.
 * @param registry called for an image in the registry
 * @throws Fault IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_NOT_PUSHED, PUSH_REFUSED, PUSH_FAILED
 */
export async function findPlace(
  image: string,
  imagesDir: string,
  registry: () => Promise<Omit<PushTarget, 'namespace'>>,
): Promise<ImagePlace> {
  const [, dir, tag] = /^oci:([^:]+)(?::(.+))?$/s.exec(image) ?? [];
  if (dir !== undefined) return await layoutPlace(image, resolve(dir), tag);
  const [, repository = '', wanted, digest] = /^([^:@]+\/[^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(image) ?? [];
  if (!isRepositoryName(repository))
    return await layoutPlace(image, imagesDir, image.includes(':') ? image : `${image}:latest`);
  const client = createRegistryClient({ ...(await registry()), repository });
  return await registryPlace(image, client, digest ?? wanted ?? 'latest');
}

async function layoutPlace(image: string, dir: string, tag: string | undefined): Promise<ImagePlace> {
  const entry = pickEntry(image, dir, await readIndex(dir), tag);
  const blobs = openBlobStore(dir);
  return {
    name: refNameOf(entry) ?? image,
    digest: parseDigest(entry.digest),
    async signatures() {
      const name = companionTag(parseDigest(entry.digest), 'sig');
      const found = (await readIndex(dir))?.manifests.find((each) => refNameOf(each) === name);
      if (found === undefined) return [];
      return withContent(await blobs.get(parseDigest(found.digest)), (digest) => blobs.get(digest));
    },
    bundles: async () => [],
    subject: undefined,
    put: (artifact) => actingAsOwner(dir, () => putArtifact(dir, artifact)),
  };
}

async function registryPlace(image: string, client: RegistryClient, reference: string): Promise<ImagePlace> {
  const found = await client.getManifest(reference);
  if (found === undefined || (isDigest(reference) && found.digest !== reference)) {
    throw serverFault('IMAGE_NOT_PUSHED', `the registry has no image ${image}`, {
      hint: 'push it first, and check that the key belongs to its namespace',
    });
  }
  const { digest } = found;
  return {
    name: image,
    digest,
    async signatures() {
      const manifest = await client.getManifest(companionTag(digest, 'sig'));
      return manifest === undefined ? [] : withContent(manifest.bytes, (blob) => client.getBlob(blob));
    },
    async bundles() {
      const layers: ArtifactLayer[] = [];
      for (const referrer of await client.referrers(digest, bundleMediaType)) {
        const manifest = await client.getManifest(referrer);
        if (manifest === undefined) continue;
        layers.push(...(await withContent(manifest.bytes, (blob) => client.getBlob(blob))));
      }
      return layers;
    },
    subject: { mediaType: mediaTypeOf(found.bytes), digest, size: found.bytes.length },
    async put({ blobs, manifest, tag }) {
      for (const blob of blobs) {
        if (!(await client.hasBlob(blob.digest)))
          await client.putBlob(blob.digest, blob.content.length, () => blob.content);
      }
      await client.putManifest(tag ?? manifest.digest, manifest.mediaType, manifest.content);
    },
  };
}

/** A Docker manifest names its type; an OCI manifest can omit it. */
function mediaTypeOf(manifest: Buffer): string {
  return readManifestDocument(manifest, manifestMediaType).mediaType;
}

async function withContent(
  manifest: Buffer,
  read: (digest: Digest) => Promise<Buffer>,
): Promise<readonly SignatureLayer[]> {
  const layers: SignatureLayer[] = [];
  for (const { digest, size, mediaType, annotations = {} } of layersOf(manifest)) {
    if (size <= longestSignature)
      layers.push({ mediaType, digest, size, annotations, content: await read(digest) });
  }
  return layers;
}
