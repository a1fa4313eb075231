/** Which layers the images of a layout have, and which of them are unpacked. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { errnoOf, isFault } from '../../lib/index.ts';
import { isLayerType } from '../layer/layer-types.ts';
import { readImage, readIndex } from '../oci/layout.ts';
import { blobsBelow } from '../oci/layout-blobs.ts';
import { type Descriptor, indexTypes, manifestMediaType } from '../oci/schema.ts';
import type { StoredLayer } from './layer-check.ts';

/** Of an image store: layers of all its images, by diff id. Images that can't be read have none. */
export async function layersOfStore(dir: string): Promise<ReadonlyMap<Digest, StoredLayer>> {
  return await layersOf(dir, (await readIndex(dir))?.manifests ?? []);
}

/** Of manifests in a layout. */
export async function layersOf(
  dir: string,
  entries: readonly Descriptor[],
): Promise<ReadonlyMap<Digest, StoredLayer>> {
  const layers = new Map<Digest, StoredLayer>();
  for (const entry of entries) {
    for (const manifest of await manifestsOf(dir, entry)) {
      try {
        const image = await readImage(dir, manifest);
        for (const [at, { digest, mediaType }] of image.manifest.layers.entries()) {
          const diffId = image.config.rootfs.diff_ids[at];
          if (diffId !== undefined && isLayerType(mediaType))
            layers.set(diffId, { diffId, digest, from: dir });
        }
      } catch (error) {
        if (!isFault(error)) throw error;
      }
    }
  }
  return layers;
}

/** Names in the folder of unpacked layers of an image store. */
export async function unpackedLayers(dir: string): Promise<readonly Digest[]> {
  const names = await readdir(join(dir, 'layers', 'unpacked')).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names.map((name) => `sha256:${name}`).filter(isDigest);
}

async function manifestsOf(dir: string, entry: Descriptor): Promise<readonly Descriptor[]> {
  if (!indexTypes.has(entry.mediaType)) return [entry];
  const below = await blobsBelow(dir, entry).catch(() => []);
  return below.filter(({ mediaType }) => mediaType === manifestMediaType);
}
