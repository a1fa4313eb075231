/**
 * Finds images by name: reads the manifest, unpacks layers that are not unpacked yet, and mounts roots. Caches
 * resolved images until the index of the store changes, so that resolving costs one `stat`.
 */

import { realpath, stat } from 'node:fs/promises';
import { resolve as absolute, join } from 'node:path';
import { openBlobStore } from '../../blobs/index.ts';
import { imageFault } from '../faults.ts';
import { type LayoutImage, pickPlatform, readImage, readIndex, refNameOf } from '../oci/layout.ts';
import type { Descriptor, Index } from '../oci/schema.ts';
import { parseReference } from '../reference.ts';
import type { Image, ImageConfig, ImageStore, StoredImage } from '../types.ts';
import {
  makeLayersFolder,
  openLayerStore,
  removeAbandonedLayers,
  removeFormerLayers,
} from './layer-store.ts';
import { openRootMounts, type RootMounter } from './root-filesystem.ts';
import { openRootMounter } from './root-mounter.ts';

export interface ImageStoreOptions {
  /** An OCI image layout, with the unpacked layers beside it. Created if missing. */
  readonly dir: string;
  /** Folder for mounted roots. Every user must be able to reach it: a sandbox's root user is an unrelated user. */
  readonly mountsDir: string;
  /** Mounts them; absent: this process does. */
  readonly mounter?: RootMounter;
}

/** The unpacked layers of a store. */
export const layersDirOf = (dir: string): string => join(absolute(dir), 'layers');

/** @throws Fault IMAGE_STORE_INVALID */
export async function openImageStore(options: ImageStoreOptions): Promise<ImageStore> {
  const dir = absolute(options.dir);
  // These characters separate mount options and layers.
  if (/[,:\\"\s]/.test(dir)) {
    throw imageFault('IMAGE_STORE_INVALID', `an image store can't be in ${JSON.stringify(dir)}`, {
      hint: 'Choose a folder without commas, colons, quotes, backslashes and blanks in its name.',
    });
  }
  const layersDir = layersDirOf(dir);
  await makeLayersFolder(dir);
  await removeAbandonedLayers(dir);
  await removeFormerLayers(dir);
  const mountsDir = absolute(options.mountsDir);
  const mounts = openRootMounts(options.mounter ?? openRootMounter({ layersDir, mountsDir }));
  const remembered = new Map<string, Image>();
  let version = '';

  const resolve = async (reference: string): Promise<Image> => {
    const parsed = parseReference(reference);
    if (parsed.form === 'folder') return folderImage(reference, parsed.dir, absolute(options.mountsDir));
    if (parsed.form === 'layout') return layoutImage(reference, dir, parsed.dir, parsed.tag);
    const now = await indexVersion(dir);
    if (now !== version) remembered.clear();
    version = now;
    const known = remembered.get(reference);
    if (known !== undefined) return known;
    const image = await layoutImage(reference, dir, dir, parsed.name);
    remembered.set(reference, image);
    return image;
  };
  return {
    list: () => listStoredImages(dir),
    resolve,
    mountRoot: (image, folders) => mounts.mount(image, folders),
    close: () => mounts.close(),
    [Symbol.asyncDispose]: () => mounts.close(),
  };
}

/** Lists images by name, without signatures and the like. */
export async function listStoredImages(dir: string): Promise<StoredImage[]> {
  const index = await readIndex(dir);
  const entries = (index?.manifests ?? []).filter((entry) => !companionName.test(refNameOf(entry) ?? ''));
  const images = await Promise.all(
    entries.map(async (entry) => {
      const { digest, sizeBytes, config } = await readImage(dir, entry);
      return { name: refNameOf(entry) ?? digest, digest, sizeBytes, createdAt: config.created ?? '' };
    }),
  );
  return images.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function layoutImage(
  reference: string,
  storeDir: string,
  dir: string,
  tag: string | undefined,
): Promise<Image> {
  const index = await readIndex(dir);
  if (index === undefined && dir !== storeDir) {
    throw imageFault('IMAGE_NOT_FOUND', `there is no OCI image layout in ${dir}`);
  }
  const found = await readImage(dir, pickEntry(reference, dir, index, tag));
  const layers = openLayerStore(storeDir);
  const layerDirs: string[] = [];
  for (const [at, layer] of found.manifest.layers.entries()) {
    const diffId = found.config.rootfs.diff_ids[at];
    if (diffId !== undefined) layerDirs.push(await layers.unpack(openBlobStore(dir), layer, diffId));
  }
  return Object.freeze({ reference, digest: found.digest, config: imageConfig(found), layerDirs });
}

/**
 * Recognises signatures and attestations, which belong to an image and are not one (cosign, specs/SIGNATURE_SPEC.md).
 */
const companionName = /^sha256-[0-9a-f]{64}\.(?:sig|att|sbom)$/;

/** Finds the entry `tag` in the index of `dir`, or its only one. @throws Fault IMAGE_NOT_FOUND, IMAGE_INVALID */
export function pickEntry(
  reference: string,
  dir: string,
  index: Index | undefined,
  tag: string | undefined,
  architecture?: string,
): Descriptor {
  const entries = index?.manifests ?? [];
  const named =
    tag === undefined
      ? entries.filter((entry) => !companionName.test(refNameOf(entry) ?? ''))
      : entries.filter((entry) => refNameOf(entry) === tag);
  const [first] = named;
  if (first !== undefined && named.length === 1) return first;
  if (first !== undefined && named.every((entry) => entry.platform)) {
    return pickPlatform(named, dir, architecture);
  }
  const names = entries.flatMap((entry) => refNameOf(entry) ?? []).sort();
  const hint =
    names.length > 0 ? `It has: ${names.join(', ')}.` : 'It is empty; build or pull an image first.';
  if (first !== undefined)
    throw imageFault('IMAGE_NOT_FOUND', `${reference} names more than one image`, { hint });
  throw imageFault('IMAGE_NOT_FOUND', `there is no image ${reference}`, { hint });
}

function imageConfig({ config: { config } }: LayoutImage): ImageConfig {
  return {
    env: config?.Env ?? [],
    entrypoint: config?.Entrypoint ?? [],
    cmd: config?.Cmd ?? [],
    workingDir: config?.WorkingDir || '/',
    user: config?.User ?? '',
    labels: config?.Labels ?? {},
  };
}

/** @param mountsDir folder for mounted roots @throws Fault IMAGE_NOT_FOUND, IMAGE_UNSAFE */
export async function folderImage(reference: string, dir: string, mountsDir: string): Promise<Image> {
  const real = await realpath(dir).catch(() => undefined);
  if (real === undefined || !(await stat(real)).isDirectory()) {
    throw imageFault('IMAGE_NOT_FOUND', `the folder ${dir} does not exist`);
  }
  if (`${mountsDir}/`.startsWith(real === '/' ? real : `${real}/`)) {
    throw imageFault(
      'IMAGE_UNSAFE',
      `${real} contains the folder in which Ward mounts roots, so it can't be a root itself`,
      {
        hint: 'Copy what the program needs into a folder of its own.',
      },
    );
  }
  const config = { env: [], entrypoint: [], cmd: [], workingDir: '/', user: '', labels: {} };
  return Object.freeze({ reference, digest: undefined, config, layerDirs: [real] });
}

/** Changes whenever the index is replaced. */
async function indexVersion(dir: string): Promise<string> {
  const found = await stat(join(dir, 'index.json'), { bigint: true }).catch(() => undefined);
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs}`;
}
