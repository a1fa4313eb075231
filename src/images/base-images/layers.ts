/**
 * Builds one layer of a recipe into a blob of the store, only when its inputs have changed: its recipe, the hashes of
 * its packages or files, the date, or the format of this code. Otherwise uses the record of the last build, and
 * fetches and packs nothing.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { blobSize, readRegularFile, writeFileAtomically } from '../../blobs/index.ts';
import { imageFault } from '../faults.ts';
import { digestSchema } from '../oci/schema.ts';
import type { Apt, DebianPackage } from './apt.ts';
import { addBytecode } from './bytecode.ts';
import { addDeb } from './deb.ts';
import { addJava } from './java.ts';
import { compressionLevel, packLayer } from './layer-blob.ts';
import { addNpmModules, addNpmPackage, npmPackageFor } from './npm-package.ts';
import type { DebianSource, LayerRecipe, Recipe } from './recipe.ts';
import type { RunnerFiles } from './runner.ts';
import type { Architecture } from './target.ts';
import { matchesPath, newTree, type Tree } from './tree.ts';

/** Increase it when the same inputs give different layers than before. */
export const layerFormat = 2;
/** The date of files without one: 1980-01-01, the first that every archive format can hold. */
const epochOfUndated = 315_532_800;
const maxRecordBytes = 1024 * 1024;

export interface BuildInputs {
  readonly recipe: Recipe;
  readonly target: Architecture;
  readonly storeDir: string;
  readonly cacheDir: string;
  readonly apt: Apt;
  /** The packages of each Debian layer. */
  readonly packages: ReadonlyMap<string, readonly DebianPackage[]>;
  readonly runners: ReadonlyMap<string, RunnerFiles>;
  /** `SOURCE_DATE_EPOCH`, in seconds; otherwise the newest date among a layer's inputs. */
  readonly epoch: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly progress: (line: string) => void;
}

const recordSchema = z.object({
  digest: digestSchema,
  diffId: digestSchema,
  size: z.int(),
  epoch: z.int(),
  versions: z.record(z.string(), z.string()),
});
export type BuiltLayer = z.infer<typeof recordSchema>;

/** Returns the layer `name` from the last build, or builds it. */
export async function buildLayer(name: string, inputs: BuildInputs): Promise<BuiltLayer> {
  const recordFile = join(inputs.cacheDir, 'layers', `${layerKey(name, inputs)}.json`);
  const known = await readRecord(recordFile);
  if (known !== undefined && (await blobSize(inputs.storeDir, known.digest)) === known.size) return known;
  inputs.progress(`building layer ${name}`);
  const { tree, epoch } = await buildTree(name, inputs);
  const packed = await packLayer(inputs.storeDir, tree, epoch);
  const layer = { ...packed, epoch, versions: versionsOf(name, inputs) };
  await writeFileAtomically(recordFile, JSON.stringify(layer));
  return layer;
}

/** The recipe of the layer `name`. @throws Fault RECIPE_INVALID */
export function layerRecipe(recipe: Recipe, name: string): LayerRecipe {
  const found = recipe.layers[name];
  if (found !== undefined) return found;
  throw imageFault('RECIPE_INVALID', `an image uses the layer ${name}, but no recipe describes it`);
}

/** The layers below `name`, the lowest first. @throws Fault RECIPE_INVALID */
export function layersBelow(recipe: Recipe, name: string): readonly string[] {
  const below = layerRecipe(recipe, name).debian?.below;
  return below === undefined ? [] : [...layersBelow(recipe, below), below];
}

function layerKey(name: string, inputs: BuildInputs): string {
  const recipe = layerRecipe(inputs.recipe, name);
  const below = layersBelow(inputs.recipe, name);
  const parts = [
    layerFormat,
    compressionLevel,
    inputs.target.name,
    inputs.epoch ?? null,
    recipe,
    inputs.recipe.drop,
    inputs.packages.get(name) ?? null,
    recipe.npm && npmPackageFor(recipe.npm),
    recipe.runner === undefined ? null : inputs.runners.get(recipe.runner)?.hash,
    // Programs that generate files of the layer use the libraries of the layers below.
    (recipe.bytecode ?? recipe.java) ? below.map((each) => layerKey(each, inputs)).join(' ') : null,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function versionsOf(name: string, inputs: BuildInputs): Record<string, string> {
  const { npm, modules, debian: source } = layerRecipe(inputs.recipe, name);
  const kept = (inputs.packages.get(name) ?? []).filter((item) => !source?.tools.includes(item.name));
  const debian = kept.map((item) => [item.name, item.version]);
  const node = npm === undefined ? [] : [['nodejs', npm.version]];
  return Object.fromEntries([
    ...debian,
    ...node,
    ...modules.map(({ name: each, version }) => [each, version]),
  ]);
}

async function readRecord(path: string): Promise<BuiltLayer | undefined> {
  const bytes = await readRegularFile(path, maxRecordBytes);
  return bytes && recordSchema.parse(JSON.parse(bytes.toString('utf8')));
}

interface PackedTree {
  readonly tree: Tree;
  readonly epoch: number;
  readonly debs: ReadonlyMap<string, string>;
  readonly dropped: readonly string[];
}

async function buildTree(name: string, inputs: BuildInputs): Promise<PackedTree> {
  const packed = await packedTree(name, inputs);
  await addMade(name, packed, inputs);
  return packed;
}

/** Builds the tree of the layer, without the files that programs generate. */
async function packedTree(name: string, inputs: BuildInputs): Promise<PackedTree> {
  const recipe = layerRecipe(inputs.recipe, name);
  const tree = newTree();
  const debs = await inputs.apt.fetch(inputs.packages.get(name) ?? []);
  const dropped = expand([...inputs.recipe.drop, ...recipe.drop], inputs);
  let newest = 0;
  if (recipe.debian !== undefined) {
    newest = await addDebian(tree, recipe, recipe.debian, { debs, dropped, inputs });
  }
  if (recipe.npm !== undefined) {
    newest = await addNpmPackage(tree, recipe.npm, inputs.cacheDir, inputs.signal);
  }
  if (recipe.modules.length > 0) {
    newest = await addNpmModules(tree, recipe.modules, inputs.cacheDir, inputs.signal);
  }
  for (const [path, bytes] of inputs.runners.get(recipe.runner ?? '')?.files ?? []) {
    if (!isSource(path)) tree.add(`ward/${path}`, { type: 'file', mode: 0o644, bytes });
  }
  addOwn(tree, recipe, inputs.target);
  return { tree, epoch: inputs.epoch ?? (newest || epochOfUndated), debs, dropped };
}

/** Adds the files that programs of the layer generate. */
async function addMade(name: string, packed: PackedTree, inputs: BuildInputs): Promise<void> {
  const { bytecode, java, runner: runnerName = '' } = layerRecipe(inputs.recipe, name);
  if (bytecode === undefined && java === undefined) return;
  const { target, cacheDir } = inputs;
  const below = newTree();
  for (const each of layersBelow(inputs.recipe, name)) {
    for (const [path, entry] of (await packedTree(each, inputs)).tree.entries) below.add(path, entry);
  }
  if (bytecode !== undefined) await addBytecode(packed.tree, below, bytecode, target, cacheDir);
  const runner = inputs.runners.get(runnerName);
  if (java === undefined || runner === undefined) return;
  const source = { ...java, from: java.from.replaceAll('{arch}', target.name) };
  const { debs, dropped, epoch } = packed;
  await addJava(packed.tree, { debs: debs.values(), dropped, epoch, source, runner, below, cacheDir });
}

/** Leaves out sources that are compiled. */
function isSource(path: string): boolean {
  return path.endsWith('.java');
}

function expand(paths: readonly string[], { target }: BuildInputs): string[] {
  return paths.map((path) => path.replaceAll('{triple}', target.triple));
}

interface DebianFiles {
  readonly debs: ReadonlyMap<string, string>;
  readonly dropped: readonly string[];
  readonly inputs: BuildInputs;
}

async function addDebian(
  tree: Tree,
  recipe: LayerRecipe,
  source: DebianSource,
  { debs, dropped, inputs }: DebianFiles,
): Promise<number> {
  const parts = new Map(Object.keys(recipe.bundles).map((bundle) => [bundle, new Map<string, Buffer>()]));
  let newest = 0;
  for (const [item, file] of debs) {
    if (source.tools.includes(item)) continue;
    const only = source.keep[item];
    const keeps = (path: string) =>
      (only === undefined || matchesPath(path, expand(only, inputs))) && !matchesPath(path, dropped);
    const onFile = (path: string, bytes: Buffer) => {
      for (const [bundle, folder] of Object.entries(recipe.bundles)) {
        if (matchesPath(path, [folder])) parts.get(bundle)?.set(path, bytes);
      }
    };
    newest = Math.max(newest, await addDeb(tree, { name: item, file, keeps, onFile }));
  }
  for (const [bundle, members] of parts) {
    const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, bytes]) => bytes);
    tree.add(bundle, { type: 'file', mode: 0o644, bytes: Buffer.concat(sorted) });
  }
  return newest;
}

function addOwn(tree: Tree, recipe: LayerRecipe, target: Architecture): void {
  const isRoot = recipe.folders.includes('proc');
  for (const path of recipe.folders)
    tree.add(path, { type: 'folder', mode: path.endsWith('tmp') ? 0o777 : 0o755 });
  const links = { ...recipe.links, ...(isRoot ? target.links : {}) };
  for (const [path, to] of Object.entries(links)) tree.add(path, { type: 'link', target: to });
  for (const [path, text] of Object.entries(recipe.files)) {
    tree.add(path, { type: 'file', mode: 0o644, bytes: Buffer.from(text) });
  }
}
