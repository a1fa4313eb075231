/** The layers of the images of a layout; the unpacked layers of a store, and how to drop one. */
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { errnoOf, isFault } from '../../lib/index.ts';
import { isLayerType } from '../layer/layer-types.ts';
import { readImage, readIndex } from '../oci/layout.ts';
import { blobsBelow } from '../oci/layout-blobs.ts';
import { type Descriptor, indexTypes, manifestMediaType } from '../oci/schema.ts';
import { isMountedAnywhere, mountedName, openLayerStore } from '../store/layer-store.ts';
import type { StoredLayer } from './layer-check.ts';

/** Lists the layers of all images of a store, by diff id. Skips images that can't be read. */
export async function layersOfStore(dir: string): Promise<ReadonlyMap<Digest, StoredLayer>> {
  return await layersOf(dir, (await readIndex(dir))?.manifests ?? []);
}

/** Lists the layers of manifests in a layout. */
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

/** Lists the unpacked layers of an image store. */
export async function unpackedLayers(dir: string): Promise<readonly Digest[]> {
  const names = await readdir(join(dir, 'layers', 'unpacked')).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names.map((name) => `sha256:${name}`).filter(isDigest);
}

/**
 * Removes a damaged layer from an image store, so that Ward unpacks it again when it needs it. Returns false and
 * leaves the layer in place while a sandbox runs on it.
 */
export async function dropLayer(dir: string, diffId: Digest): Promise<boolean> {
  const path = openLayerStore(dir).path(diffId);
  const aside = await mkdtemp(join(dirname(path), '.tmp-'));
  try {
    if (await isMountedAnywhere([mountedName(diffId)])) return false;
    await rename(path, join(aside, 'root'));
    // From here on no process can mount it; if a root was mounted meanwhile, the layer is put back.
    if (!(await isMountedAnywhere([mountedName(diffId)]))) return true;
    await rename(join(aside, 'root'), path);
    return false;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function manifestsOf(dir: string, entry: Descriptor): Promise<readonly Descriptor[]> {
  if (!indexTypes.has(entry.mediaType)) return [entry];
  const below = await blobsBelow(dir, entry).catch(() => []);
  return below.filter(({ mediaType }) => mediaType === manifestMediaType);
}
