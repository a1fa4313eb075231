/**
 * Records the inputs of the last build, so that a few small reads tell whether every image is ready: no apt, no
 * hashing of layers. After a change of the recipes, of a runner or of the architecture, or without a blob, the images
 * are not ready.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { blobSize, type Digest, readRegularFile, writeFileAtomically } from '../../blobs/index.ts';
import { isFault } from '../../lib/index.ts';
import { readImage, readIndex, refNameOf } from '../oci/layout.ts';
import { type Descriptor, digestSchema } from '../oci/schema.ts';
import { openLayerStore } from '../store/layer-store.ts';
import { compressionLevel } from './layer-blob.ts';
import { layerFormat } from './layers.ts';
import { loadRecipe } from './recipe.ts';
import { installedRunnersDir, readRunner } from './runner.ts';

const stampSchema = z.object({ inputs: z.string(), images: z.record(z.string(), digestSchema) });
const maxStampBytes = 64 * 1024;

/**
 * True when `dir` has the images of the current recipes and runners, complete and unpacked. Newer packages in the
 * archive do not count: only a build looks for them.
 */
export async function runtimeImagesReady(dir: string, runnersDir = installedRunnersDir): Promise<boolean> {
  const bytes = await readRegularFile(stampFile(dir), maxStampBytes);
  if (bytes === undefined) return false;
  const stamp = stampSchema.safeParse(JSON.parse(bytes.toString('utf8')));
  if (!stamp.success || stamp.data.inputs !== (await inputsHash(runnersDir))) return false;
  const index = await readIndex(dir);
  for (const [name, digest] of Object.entries(stamp.data.images)) {
    const entry = index?.manifests.find((item) => item.digest === digest && refNameOf(item) === name);
    if (entry === undefined || !(await isComplete(dir, entry))) return false;
  }
  return true;
}

async function isComplete(dir: string, entry: Descriptor): Promise<boolean> {
  const layers = openLayerStore(dir);
  try {
    const { manifest, config } = await readImage(dir, entry);
    for (const layer of manifest.layers) if ((await blobSize(dir, layer.digest)) !== layer.size) return false;
    for (const diffId of config.rootfs.diff_ids) if (!(await layers.has(diffId))) return false;
    return true;
  } catch (error) {
    // A missing or damaged document is a reason to build, not to fail.
    if (isFault(error, 'IMAGE_INVALID')) return false;
    throw error;
  }
}

/** Records that `images` were built from `inputs`. */
export async function writeStamp(
  dir: string,
  inputs: string,
  images: readonly { readonly name: string; readonly digest: Digest }[],
): Promise<void> {
  const stamp = {
    inputs,
    images: Object.fromEntries(images.map(({ name, digest }) => [name, digest])),
  };
  await writeFileAtomically(stampFile(dir), JSON.stringify(stamp));
}

function stampFile(dir: string): string {
  return join(dir, 'build', 'stamp.json');
}

/** The hash of all inputs of a build except the packages. */
export async function inputsHash(runnersDir: string): Promise<string> {
  const recipe = loadRecipe();
  const hash = createHash('sha256').update(
    `${layerFormat} ${compressionLevel} ${process.arch}\0${JSON.stringify(recipe)}`,
  );
  for (const { runner } of Object.values(recipe.layers)) {
    if (runner !== undefined) hash.update((await readRunner(runnersDir, runner)).hash);
  }
  return hash.digest('hex');
}
