/**
 * Builds an image from a folder, without a daemon and without running code of the folder: the base's layers as they
 * are, Ward's server for the language, the function's dependencies, its code. The same folder on the same base gives
 * the same digest. Does not name the image: the caller first decides whether it can be used.
 */

import type { Digest } from '../../blobs/index.ts';
import { sourceDateEpoch } from '../base-images/runtime-images.ts';
import { imageFault } from '../faults.ts';
import { ociArchitecture } from '../oci/layout.ts';
import type { Descriptor } from '../oci/schema.ts';
import { type BaseImage, baseOfKind, findBase } from './base-image.ts';
import { packFiles } from './file-layer.ts';
import { type FolderContent, type LeftOut, readFolder } from './folder-content.ts';
import type { FolderEntry } from './folder-entry.ts';
import {
  type AddedLayer,
  contractPort,
  functionUser,
  type LayerRole,
  writeImage,
} from './image-documents.ts';
import { copyBlob } from './layout-copy.ts';
import { packageLabels } from './package-labels.ts';
import { checkEntryFile, guessFamily, packServer, servedFamilyOf } from './server-program.ts';

export interface FunctionImageOptions {
  readonly folder: string;
  /** The image store with the bases. */
  readonly storeDir: string;
  /** The OCI image layout for the image's blobs: the store, or a folder that no other user can write to. */
  readonly layoutDir: string;
  /** An image in the store. Without it and without `kind`, the folder's files suggest the base. */
  readonly base?: string | undefined;
  /** A kind of functions; its runtime image is the base. */
  readonly kind?: string | undefined;
  /** The program that listens on port 8080, instead of Ward's server. */
  readonly entrypoint?: readonly string[] | undefined;
  /** In OCI's notation; this machine's by default. */
  readonly architecture?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Absolute paths in the folder to ignore. */
  readonly without?: readonly string[] | undefined;
  readonly runnersDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Gets a line for every step that takes time. */
  readonly progress?: ((line: string) => void) | undefined;
}

export interface BuiltLayerInfo {
  readonly role: LayerRole;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface FunctionImage {
  /** The descriptor of the manifest in the layout. */
  readonly descriptor: Descriptor;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The date of the image's own configuration, as ISO time. */
  readonly createdAt: string;
  /** Lowest first. */
  readonly layers: readonly BuiltLayerInfo[];
  readonly base: { readonly name: string; readonly digest: Digest };
  readonly entrypoint: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** Warnings about content that may be intended. */
  readonly warnings: readonly string[];
}

/** The path of the code, both in the image and in a sandbox of a runtime. */
const codeFolder = 'fn';

/**
 * @throws Fault BUILD_FOLDER_INVALID, BUILD_FOLDER_TOO_LARGE, BASE_NOT_TRUSTED, IMAGE_INVALID, IMAGE_BUILD_FAILED
 */
export async function buildFunctionImage(options: FunctionImageOptions): Promise<FunctionImage> {
  const { layoutDir: dir, progress = () => {}, signal } = options;
  progress('reading the folder');
  const content = await readFolder(options.folder, { without: options.without ?? [] });
  const files = new Set(content.entries.flatMap((entry) => (entry.type === 'folder' ? [] : [entry.path])));
  if (files.size === 0)
    throw imageFault('BUILD_FOLDER_INVALID', 'the folder has nothing to put into an image');
  const base = await chooseBase(options, files);
  for (const layer of base.layers) await copyBlob(options.storeDir, dir, layer, 'link');
  const { entrypoint, layers } = await packProgram(options, base, files);
  for (const { role, entries } of byChangeFrequency(content.entries)) {
    progress(`packing ${role}`);
    const packed = await packFiles({ dir, root: content.root, target: codeFolder, entries, signal });
    layers.push({ ...packed, role, createdBy: `ward: ${role} of the function` });
  }
  const created = createdOf(base);
  const descriptor = await writeImage(dir, {
    base,
    layers,
    created,
    settings: settingsOf(entrypoint),
    labels: await allLabels(options, content),
  });
  return describe(descriptor, { base, layers, entrypoint, leftOut: content.leftOut });
}

async function chooseBase(options: FunctionImageOptions, files: ReadonlySet<string>): Promise<BaseImage> {
  const { base, kind, storeDir, architecture = ociArchitecture() } = options;
  const wanted = kind === undefined ? undefined : baseOfKind(kind);
  const found = await findBase(storeDir, base ?? wanted ?? guessedBase(files), architecture);
  if (wanted === undefined || found.kind === wanted) return found;
  throw imageFault('BUILD_FOLDER_INVALID', `${found.name} does not run ${wanted}`, {
    hint: 'Omit the base or the kind.',
  });
}

function guessedBase(files: ReadonlySet<string>): string {
  const family = guessFamily(files);
  if (family !== undefined) return baseOfKind(`${family}:default`);
  throw imageFault(
    'BUILD_FOLDER_INVALID',
    'the files in the folder do not show which language the function is in',
    {
      hint: 'Name a kind with --kind, or a base with --base.',
    },
  );
}

async function packProgram(
  { layoutDir, entrypoint, runnersDir }: FunctionImageOptions,
  base: BaseImage,
  files: ReadonlySet<string>,
): Promise<{ readonly entrypoint: readonly string[]; readonly layers: AddedLayer[] }> {
  if (entrypoint !== undefined) return { entrypoint, layers: [] };
  const family = servedFamilyOf(base);
  checkEntryFile(family, files);
  const server = await packServer(layoutDir, family, runnersDir);
  return { entrypoint: server.entrypoint, layers: [server.layer] };
}

/** The date of the image: `SOURCE_DATE_EPOCH`, or else that of the base. */
export function createdOf(base: BaseImage): string {
  const epoch = sourceDateEpoch();
  if (epoch !== undefined) return new Date(epoch * 1000).toISOString();
  return base.config.created ?? new Date(0).toISOString();
}

function settingsOf(entrypoint: readonly string[]) {
  return {
    User: functionUser,
    Entrypoint: entrypoint,
    Cmd: undefined,
    WorkingDir: `/${codeFolder}`,
    ExposedPorts: { [contractPort]: {} },
  };
}

async function allLabels(
  { labels }: FunctionImageOptions,
  content: FolderContent,
): Promise<Record<string, string>> {
  return { ...(await packageLabels(content)), ...labels };
}

/** Describes an image that was built. */
export function describe(
  descriptor: Descriptor,
  built: {
    readonly base: BaseImage;
    readonly layers: readonly AddedLayer[];
    readonly entrypoint: readonly string[];
    readonly leftOut: readonly LeftOut[];
  },
): FunctionImage {
  const { base, entrypoint, leftOut } = built;
  const layers: BuiltLayerInfo[] = [
    ...base.layers.map(({ digest, size }) => ({ role: 'base' as const, digest, sizeBytes: size })),
    ...built.layers.map(({ role, digest, size }) => ({ role, digest, sizeBytes: size })),
  ];
  return {
    descriptor,
    digest: descriptor.digest,
    sizeBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, descriptor.size),
    createdAt: createdOf(base),
    layers,
    base: { name: base.name, digest: base.digest },
    entrypoint,
    leftOut,
    warnings: [],
  };
}

interface LayerFiles {
  readonly role: 'dependencies' | 'code';
  readonly entries: readonly FolderEntry[];
}

/** Folders of dependencies at any depth. */
const anywhere = new Set(['node_modules', 'site-packages']);
/** Folders of dependencies at the root only: further down, the name can mean anything. */
const atRoot = new Set(['.venv', 'vendor', 'venv', 'virtualenv']);

/**
 * Divides files by how often they change, the rarest first: dependencies, from a package manager, change seldom; the
 * function's own code changes with every build. So most builds create one small layer, and registries and hosts
 * already have the rest. Leaves out empty layers.
 */
function byChangeFrequency(entries: readonly FolderEntry[]): readonly LayerFiles[] {
  const dependencies: FolderEntry[] = [];
  const code: FolderEntry[] = [];
  for (const entry of entries) (isDependency(entry.path) ? dependencies : code).push(entry);
  const layers: readonly LayerFiles[] = [
    { role: 'dependencies', entries: dependencies },
    { role: 'code', entries: code },
  ];
  return layers.filter((layer) => layer.entries.length > 0);
}

function isDependency(path: string): boolean {
  const parts = path.split('/');
  return atRoot.has(parts[0] ?? '') || parts.some((part) => anywhere.has(part));
}
