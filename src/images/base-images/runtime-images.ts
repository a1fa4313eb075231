/**
 * Builds Ward's own images and names them in the store: resolves packages, builds changed layers, writes
 * configurations and manifests, and unpacks the layers so that the first sandbox need not wait. A stamp records what
 * was built, so that `runtimeImagesReady` needs only a few small files.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, openBlobStore } from '../../blobs/index.ts';
import { imageFault } from '../faults.ts';
import { putDocument, readImage, tagManifest } from '../oci/layout.ts';
import { lockFile } from '../oci/lock.ts';
import { configMediaType, manifestMediaType, zstdLayerMediaType } from '../oci/schema.ts';
import { openLayerStore } from '../store/layer-store.ts';
import { type Apt, type DebianPackage, openApt } from './apt.ts';
import { type BuildInputs, type BuiltLayer, buildLayer, layerRecipe, layersBelow } from './layers.ts';
import { type ImageRecipe, loadRecipe, type Recipe } from './recipe.ts';
import { installedRunnersDir, type RunnerFiles, readRunner } from './runner.ts';
import { inputsHash, writeStamp } from './stamp.ts';
import { hostArchitecture } from './target.ts';

export interface BuildOptions {
  /** The store: an OCI image layout. Its folder `build` has packages and records of builds. */
  readonly dir: string;
  /** The folder of the runners' sources; this installation's own by default. */
  readonly runnersDir?: string;
  readonly signal?: AbortSignal;
  /** Gets a line for every step that takes time. */
  readonly progress?: (line: string) => void;
}

export interface BuiltImage {
  readonly name: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

const buildWaitMs = 600_000;

/**
 * Builds every image of the recipes. Reuses layers whose inputs are unchanged; the versions are those in apt's signed
 * lists.
 * @throws Fault IMAGE_BUILD_FAILED, COMMAND_FAILED, IMAGE_STORE_BUSY
 */
export async function buildRuntimeImages(options: BuildOptions): Promise<readonly BuiltImage[]> {
  const recipe = loadRecipe();
  const cacheDir = join(options.dir, 'build');
  await mkdir(cacheDir, { recursive: true });
  const lock = await lockFile(join(cacheDir, 'lock'), buildWaitMs, options.signal);
  try {
    const stamp = await inputsHash(options.runnersDir ?? installedRunnersDir);
    const inputs = await gatherInputs(recipe, cacheDir, options);
    const layers = await buildLayers(inputs);
    const built: BuiltImage[] = [];
    for (const image of recipe.images) built.push(await writeImage(image, layers, inputs));
    await writeStamp(options.dir, stamp, built);
    return built;
  } finally {
    lock.release();
  }
}

async function gatherInputs(recipe: Recipe, cacheDir: string, options: BuildOptions): Promise<BuildInputs> {
  const { dir: storeDir, signal, progress = () => {} } = options;
  const runnersDir = options.runnersDir ?? installedRunnersDir;
  const runners = new Map<string, RunnerFiles>();
  for (const { runner } of Object.values(recipe.layers)) {
    if (runner !== undefined) runners.set(runner, await readRunner(runnersDir, runner));
  }
  progress('resolving packages');
  const apt = await openApt({ cacheDir, ...recipe.debian, signal });
  const packages = await resolveLayers(recipe, apt);
  const target = hostArchitecture();
  const epoch = sourceDateEpoch();
  return { recipe, target, storeDir, cacheDir, apt, packages, runners, epoch, signal, progress };
}

/**
 * Finds the packages of each Debian layer: all dependencies, without the packages that it omits or that layers below
 * contain.
 */
async function resolveLayers(recipe: Recipe, apt: Apt): Promise<Map<string, readonly DebianPackage[]>> {
  const sources = Object.entries(recipe.layers).flatMap(([name, { debian }]) =>
    debian ? [{ name, debian }] : [],
  );
  const closures = await Promise.all(
    sources.map(async ({ name, debian }) => {
      const all = await apt.resolve([...debian.packages, ...debian.tools]);
      return [name, all.filter((item) => !debian.omit.includes(item.name))] as const;
    }),
  );
  const byLayer = new Map(closures);
  for (const { name } of sources) {
    const below = new Set(
      layersBelow(recipe, name).flatMap((each) => byLayer.get(each)?.map((item) => item.name) ?? []),
    );
    byLayer.set(
      name,
      (byLayer.get(name) ?? []).filter((item) => !below.has(item.name)),
    );
  }
  return byLayer;
}

/** Seconds; undefined when it is not set. @throws Fault IMAGE_BUILD_FAILED */
export function sourceDateEpoch(): number | undefined {
  const text = process.env['SOURCE_DATE_EPOCH'];
  if (text === undefined) return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw imageFault('IMAGE_BUILD_FAILED', `SOURCE_DATE_EPOCH is not a number of seconds: ${text}`);
}

/** Builds two at a time: other programs and the disk do much of the work. */
async function buildLayers(inputs: BuildInputs): Promise<ReadonlyMap<string, BuiltLayer>> {
  const store = openLayerStore(inputs.storeDir);
  const blobs = openBlobStore(inputs.storeDir);
  const layers = new Map<string, BuiltLayer>();
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(inputs.signal === undefined ? [] : [inputs.signal])]);
  const names = new Set(inputs.recipe.images.flatMap((image) => image.layers)).values();
  const work = async () => {
    for (const name of names) {
      signal.throwIfAborted();
      const layer = await buildLayer(name, { ...inputs, signal });
      layers.set(name, layer);
      await store.unpack(blobs, { mediaType: zstdLayerMediaType, ...layer }, layer.diffId);
    }
  };
  const stopping = (error: unknown) => {
    stop.abort(error);
    throw error;
  };
  // Throws after both have ended.
  const ended = await Promise.allSettled([work().catch(stopping), work().catch(stopping)]);
  stop.signal.throwIfAborted();
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return layers;
}

async function writeImage(
  image: ImageRecipe,
  built: ReadonlyMap<string, BuiltLayer>,
  inputs: BuildInputs,
): Promise<BuiltImage> {
  const layers = image.layers.flatMap((name) => built.get(name) ?? []);
  await checkContent(image, layers, inputs);
  const config = imageConfig(image, layers, inputs);
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    config: await putDocument(inputs.storeDir, configMediaType, config),
    layers: layers.map(({ digest, size }) => ({ mediaType: zstdLayerMediaType, digest, size })),
    annotations: config.config.Labels,
  };
  const entry = {
    ...(await putDocument(inputs.storeDir, manifestMediaType, manifest)),
    platform: { architecture: inputs.target.name, os: 'linux' },
  };
  await tagManifest(inputs.storeDir, entry, [image.name, ...(image.kind?.aliases ?? [])]);
  const { digest, sizeBytes } = await readImage(inputs.storeDir, entry);
  return { name: image.name, digest, sizeBytes };
}

/** Checks that each image has all required paths and no forbidden ones. */
async function checkContent(
  image: ImageRecipe,
  built: readonly BuiltLayer[],
  inputs: BuildInputs,
): Promise<void> {
  const store = openLayerStore(inputs.storeDir);
  const isThere = async (path: string) => {
    const found = built.map(({ diffId }) => lstat(join(store.path(diffId), path)).catch(() => undefined));
    return (await Promise.all(found)).some((one) => one !== undefined);
  };
  for (const path of inputs.recipe.required) {
    if (!(await isThere(path)))
      throw imageFault('IMAGE_BUILD_FAILED', `the image ${image.name} lacks ${path}`);
  }
  for (const path of inputs.recipe.forbidden) {
    if (!image.allow.includes(path) && (await isThere(path)))
      throw imageFault('IMAGE_BUILD_FAILED', `the image ${image.name} holds ${path}`);
  }
}

function imageConfig(
  image: ImageRecipe,
  layers: readonly BuiltLayer[],
  { recipe, target, runners }: BuildInputs,
) {
  const created = new Date(Math.max(...layers.map(({ epoch }) => epoch)) * 1000).toISOString();
  const versions = Object.entries(Object.assign({}, ...layers.map((layer) => layer.versions)));
  // The runner of the topmost layer, which hides the others.
  const runner = image.layers
    .map((name) => layerRecipe(recipe, name).runner)
    .findLast((name) => name !== undefined);
  const entrypoint = runners.get(runner ?? '')?.entrypoint;
  return {
    created,
    architecture: target.name,
    os: 'linux',
    config: {
      User: '1000:1000',
      Env: [...recipe.env, ...image.env],
      ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
      WorkingDir: '/tmp',
      Labels: labelsOf(image, created, versions),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: image.layers.map((name) => ({ created, created_by: `ward: layer ${name}` })),
  };
}

function labelsOf(image: ImageRecipe, created: string, versions: readonly [string, unknown][]) {
  return {
    'org.opencontainers.image.title': image.title,
    'org.opencontainers.image.created': created,
    ...(image.kind === undefined ? {} : { 'ward.kind': image.name }),
    'ward.versions': versions.map(([name, version]) => `${name}=${version}`).join(' '),
  };
}
