/**
 * Converts buildah's result into an image of Ward: on the base's own layers, with Ward's server if the Dockerfile
 * names no program.
 */

import { join } from 'node:path';
import { type Digest, digestHex, digestOf, openRegularFile } from '../../blobs/index.ts';
import { packTar } from '../base-images/layer-blob.ts';
import { imageFault } from '../faults.ts';
import { type LayoutImage, readImageFrom } from '../oci/layout.ts';
import { readDocumentFile } from '../oci/layout-blobs.ts';
import { type Config, type Descriptor, manifestMediaType } from '../oci/schema.ts';
import type { BaseImage } from './base-image.ts';
import type { FolderContent } from './folder-content.ts';
import { createdOf, describe, type FunctionImage, type FunctionImageOptions } from './function-image.ts';
import { type AddedLayer, contractPort, writeImage } from './image-documents.ts';
import { copyBlob } from './layout-copy.ts';
import { packServer, servedFamilyOf } from './server-program.ts';

type ResultOptions = Pick<FunctionImageOptions, 'labels' | 'layoutDir' | 'runnersDir' | 'storeDir'>;

/**
 * @param base the base of the last stage
 * @param builtDir the image in the format `dir:`
 * @throws Fault IMAGE_BUILD_FAILED, BUILD_FOLDER_INVALID
 */
export async function assembleBuilt(
  options: ResultOptions,
  base: BaseImage,
  { leftOut }: FolderContent,
  builtDir: string,
): Promise<FunctionImage> {
  const { layoutDir: dir, storeDir, labels = {} } = options;
  const built = await readBuilt(builtDir);
  const program = await programOf(options, base, built.config);
  for (const layer of base.layers) await copyBlob(storeDir, dir, layer, 'link');
  const layers = [...(await addedLayers(dir, builtDir, base, built)), ...program.layers];
  const config = built.config.config;
  const descriptor = await writeImage(dir, {
    base,
    layers,
    created: createdOf(base),
    settings: { ...config, ...program.settings },
    labels: { ...ownLabels(base, config?.Labels ?? {}), ...labels },
    history: built.config['history'],
  });
  const image = describe(descriptor, { base, layers, entrypoint: program.entrypoint, leftOut });
  return { ...image, warnings: warningsOf(built.config) };
}

async function readBuilt(dir: string): Promise<LayoutImage> {
  const read = async (name: string) => readDocumentFile(join(dir, name));
  const bytes = await read('manifest.json');
  if (bytes === undefined) throw imageFault('IMAGE_BUILD_FAILED', 'buildah wrote no image');
  const entry = { mediaType: manifestMediaType, digest: digestOf(bytes), size: bytes.length };
  return readImageFrom(
    async ({ digest }) =>
      digest === entry.digest ? bytes : ((await read(digestHex(digest))) ?? Buffer.alloc(0)),
    entry,
  );
}

/** Packs the layers above the base like Ward's own layers. */
async function addedLayers(
  dir: string,
  builtDir: string,
  base: BaseImage,
  { config, manifest }: LayoutImage,
): Promise<AddedLayer[]> {
  const below = base.config.rootfs.diff_ids;
  const diffIds = config.rootfs.diff_ids;
  if (below.some((diffId, at) => diffIds[at] !== diffId))
    throw imageFault('IMAGE_BUILD_FAILED', `buildah did not build on the layers of ${base.name}`);
  const layers: AddedLayer[] = [];
  for (const [at, layer] of manifest.layers.entries()) {
    const diffId = diffIds[at];
    if (at >= below.length && diffId !== undefined) layers.push(await repack(dir, builtDir, layer, diffId));
  }
  return layers;
}

async function repack(dir: string, builtDir: string, layer: Descriptor, diffId: Digest): Promise<AddedLayer> {
  const file = await openRegularFile(join(builtDir, digestHex(layer.digest)));
  if (file === undefined)
    throw imageFault('IMAGE_BUILD_FAILED', `buildah left out the layer ${layer.digest}`);
  try {
    const packed = await packTar(dir, file.createReadStream({ start: 0, autoClose: false }));
    if (packed.diffId === diffId) return { ...packed, role: 'dockerfile', createdBy: undefined };
    throw imageFault(
      'IMAGE_BUILD_FAILED',
      `the layer ${layer.digest} from buildah does not match its diff id`,
    );
  } finally {
    await file.close();
  }
}

interface Program {
  readonly entrypoint: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly layers: readonly AddedLayer[];
}

/**
 * Finds the program of the image. A runtime's own entry point speaks to Ward over a descriptor, not HTTP. If the
 * Dockerfile has not replaced it, the program is its CMD, or else Ward's server.
 */
async function programOf(
  { layoutDir, runnersDir }: ResultOptions,
  base: BaseImage,
  { config }: Config,
): Promise<Program> {
  const ExposedPorts = { [contractPort]: {} };
  const [entrypoint, cmd] = [config?.Entrypoint ?? [], config?.Cmd ?? []];
  const inherited = base.config.config?.Entrypoint ?? [];
  if (JSON.stringify(entrypoint) !== JSON.stringify(inherited))
    return { entrypoint: [...entrypoint, ...cmd], settings: { ExposedPorts }, layers: [] };
  if (cmd.length > 0)
    return { entrypoint: cmd, settings: { ExposedPorts, Entrypoint: cmd, Cmd: undefined }, layers: [] };
  const server = await packServer(layoutDir, servedFamilyOf(base), runnersDir);
  const settings = { ExposedPorts, Entrypoint: server.entrypoint, WorkingDir: '/fn' };
  return { entrypoint: server.entrypoint, settings, layers: [server.layer] };
}

/** The labels that the Dockerfile sets. */
function ownLabels(base: BaseImage, labels: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = base.config.config?.Labels ?? {};
  return Object.fromEntries(Object.entries(labels).filter(([name, value]) => inherited[name] !== value));
}

function warningsOf({ config }: Config): string[] {
  if (!/^(?:0|root)?(?::|$)/.test(config?.User ?? '')) return [];
  return ['the image runs as root: end the Dockerfile with USER 1000:1000'];
}
