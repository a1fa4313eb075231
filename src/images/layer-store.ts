/**
 * Unpacked layers, `layers/sha256/<hex of the diff id>`: each appears whole, once its bytes were found to have
 * both the digest in the manifest and the diff id in the config, and is never changed after. The folders are
 * shared by all images and sandboxes; only root may look into the store.
 */
import { type FileHandle, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, mustRun } from '../lib/index.ts';
import { blobPath } from './blob-store.ts';
import { digestHex } from './digest.ts';
import { imageFault } from './faults.ts';
import { isTemporary, openRegularFile } from './files.ts';
import { layerLimits } from './layer/layer-limits.ts';
import { isLayerType } from './layer/layer-types.ts';
import { unpacked } from './layer/unpacked.ts';
import type { Descriptor } from './oci/schema.ts';
import type { Digest } from './types.ts';
import { unpackTar } from './unpack/tar.ts';

export interface LayerStore {
  /** Where the layer lies, or would lie. */
  path(diffId: Digest): string;
  has(diffId: Digest): Promise<boolean>;
  /**
   * Unpacks a layer of the OCI layout in `from`, unless it is there already. Returns its folder.
   * @throws Fault IMAGE_INVALID, ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID
   */
  unpack(from: string, layer: Descriptor, diffId: Digest): Promise<string>;
}

const readBytes = 256 * 1024;
const syncTimeoutMs = 300_000;
/** A temporary folder of this age has lost its process. */
const abandonedMs = 3_600_000;
const inFlight = new Map<string, Promise<string>>();

/** Removes what unpackers that were killed left behind. */
export async function removeAbandonedLayers(dir: string): Promise<void> {
  const folder = join(dir, 'layers', 'sha256');
  for (const name of await readdir(folder).catch(() => [])) {
    if (!isTemporary(name)) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > abandonedMs) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** The unpacked layers below `dir`. */
export function openLayerStore(dir: string): LayerStore {
  const folder = join(dir, 'layers', 'sha256');
  const path = (diffId: Digest) => join(folder, digestHex(diffId));
  const has = async (diffId: Digest) =>
    (await stat(path(diffId)).catch(() => undefined))?.isDirectory() ?? false;
  const unpack = async (from: string, layer: Descriptor, diffId: Digest): Promise<string> => {
    const target = path(diffId);
    if (await has(diffId)) return target;
    const running = inFlight.get(target);
    if (running !== undefined) return running;
    const work = unpackLayer(from, layer, diffId, folder, target).finally(() => inFlight.delete(target));
    inFlight.set(target, work);
    return work;
  };
  return { path, has, unpack };
}

async function unpackLayer(
  from: string,
  layer: Descriptor,
  diffId: Digest,
  folder: string,
  target: string,
): Promise<string> {
  if (!isLayerType(layer.mediaType)) {
    throw imageFault(
      'IMAGE_INVALID',
      `the layer ${layer.digest} is of a type that Ward does not read: ${layer.mediaType}`,
    );
  }
  const blob = await openRegularFile(blobPath(from, layer.digest));
  if (blob === undefined) throw imageFault('IMAGE_INVALID', `${from} lacks the layer ${layer.digest}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = await mkdtemp(join(folder, '.tmp-'));
  try {
    const root = join(temporary, 'root');
    await mkdir(root, { mode: 0o755 });
    await unpackBlob(blob, layer, diffId, root);
    // A name must never survive a power cut without its content.
    await mustRun(['sync', '--file-system', root], { timeoutMs: syncTimeoutMs });
    await moveInto(root, target);
    return target;
  } finally {
    await blob.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

async function unpackBlob(blob: FileHandle, layer: Descriptor, diffId: Digest, root: string): Promise<void> {
  const { size } = await blob.stat();
  if (size !== layer.size) {
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} has ${size} bytes, not ${layer.size}`);
  }
  const source = blob.createReadStream({ start: 0, autoClose: false, highWaterMark: readBytes });
  const { bytes, digests } = unpacked(source);
  try {
    await unpackTar(bytes, root, layerLimits);
  } finally {
    source.destroy();
  }
  const found = digests();
  if (found.digest !== layer.digest)
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} has another digest`);
  if (found.diffId !== diffId)
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} has another diff id than the config says`);
}

/** Another process may have been faster; its folder has the same content. */
async function moveInto(root: string, target: string): Promise<void> {
  try {
    await rename(root, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  }
}
