/**
 * Unpacked layers, `layers/unpacked/<hex of the diff id>`: each appears only when it is complete and its bytes match
 * both the digest in the manifest and the diff id in the config, and is never changed afterwards. All images and
 * sandboxes share the folders; only the store's owner can read them.
 */
import {
  chown,
  type FileHandle,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, type Digest, digestHex, isTemporary, openRegularFile } from '../../blobs/index.ts';
import { errnoOf, isFault, mustRun } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { isLayerType } from '../layer/layer-types.ts';
import type { Descriptor } from '../oci/schema.ts';
import { type Unpacker, unpackApart } from '../unpack/apart.ts';

export interface LayerStore {
  /** The folder of the layer, whether it exists or not. */
  path(diffId: Digest): string;
  has(diffId: Digest): Promise<boolean>;
  /**
   * Unpacks a layer whose blob is in `from`, unless it exists already. Returns its folder.
   * @throws Fault IMAGE_INVALID, ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID
   */
  unpack(from: Pick<BlobStore, 'localFile'>, layer: Descriptor, diffId: Digest): Promise<string>;
}

/** Below the store. */
const layersFolder = join('layers', 'unpacked');
/** Layers whose deletions only a privileged mount applies: in today's mounts, deleted files would reappear. */
const formerFolder = join('layers', 'sha256');
/** After this time, no Ward of an older version will use them. */
const formerMs = 86_400_000;
const syncTimeoutMs = 300_000;
/** The process of a temporary folder of this age has ended. */
const abandonedMs = 3_600_000;
const inFlight = new Map<string, Promise<string>>();

/** Removes leftovers of killed unpackers. */
export async function removeAbandonedLayers(dir: string): Promise<void> {
  const folder = join(dir, layersFolder);
  for (const name of await readdir(folder).catch(() => [])) {
    if (!isTemporary(name)) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > abandonedMs) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** Creates the folder of unpacked layers with the owner of the store. Returns it. */
export async function makeLayersFolder(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const owner = await stat(dir);
  for (const folder of [join(dir, 'layers'), join(dir, layersFolder)]) {
    try {
      await mkdir(folder, { mode: 0o700 });
      if (process.geteuid?.() === 0) await chown(folder, owner.uid, owner.gid);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
  return join(dir, layersFolder);
}

/**
 * Removes the layers that earlier versions unpacked, when no sandbox runs on them. Ward unpacks them again from their
 * blobs when it needs them.
 */
export async function removeFormerLayers(dir: string): Promise<void> {
  const folder = join(dir, formerFolder);
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined || Date.now() - found.mtimeMs < formerMs) return;
  const names = await readdir(folder).catch(() => []);
  if (await isMountedAnywhere(names.map((name) => join('sha256', name)))) return;
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    // They belong to root, and the next start as root removes them.
    if (!['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** Whether one of `layers`, by their names in mounts, is part of a root. Each process can have its own mounts. */
export async function isMountedAnywhere(layers: readonly string[]): Promise<boolean> {
  if (layers.length === 0) return false;
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  for (const pid of processes) {
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    if (layers.some((layer) => mounts.includes(layer))) return true;
  }
  return false;
}

/** Its name in mounts. */
export function mountedName(diffId: Digest): string {
  return join('unpacked', digestHex(diffId));
}

/** The unpacked layers below `dir`. */
export function openLayerStore(dir: string, unpacker: Unpacker = unpackApart): LayerStore {
  const folder = join(dir, layersFolder);
  const path = (diffId: Digest) => join(folder, digestHex(diffId));
  const has = async (diffId: Digest) =>
    (await stat(path(diffId)).catch(() => undefined))?.isDirectory() ?? false;
  const unpack: LayerStore['unpack'] = async (from, layer, diffId) => {
    const target = path(diffId);
    if (await has(diffId)) return target;
    const running = inFlight.get(target);
    if (running !== undefined) return running;
    const work = unpackLayer(from, layer, diffId, { dir, target, unpacker }).finally(() =>
      inFlight.delete(target),
    );
    inFlight.set(target, work);
    return work;
  };
  return { path, has, unpack };
}

interface UnpackTarget {
  readonly dir: string;
  readonly target: string;
  readonly unpacker: Unpacker;
}

async function unpackLayer(
  from: Pick<BlobStore, 'localFile'>,
  layer: Descriptor,
  diffId: Digest,
  { dir, target, unpacker }: UnpackTarget,
): Promise<string> {
  if (!isLayerType(layer.mediaType)) {
    throw imageFault(
      'IMAGE_INVALID',
      `the layer ${layer.digest} has a media type that Ward does not read: ${layer.mediaType}`,
    );
  }
  const blob = await openLayer(from, layer.digest);
  const folder = await makeLayersFolder(dir);
  const temporary = await mkdtemp(join(folder, '.tmp-'));
  try {
    const root = join(temporary, 'root');
    await mkdir(root, { mode: 0o755 });
    await unpackBlob(blob, layer, diffId, root, unpacker);
    // A name must never survive a power cut without its content.
    await mustRun(['sync', '--file-system', root], { timeoutMs: syncTimeoutMs });
    await moveInto(root, target);
    return target;
  } finally {
    await blob.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

async function openLayer(from: Pick<BlobStore, 'localFile'>, digest: Digest): Promise<FileHandle> {
  try {
    await using file = await from.localFile(digest);
    const blob = await openRegularFile(file.path);
    if (blob !== undefined) return blob;
  } catch (cause) {
    if (!isFault(cause, 'BLOB_NOT_FOUND')) throw cause;
  }
  throw imageFault('IMAGE_INVALID', `the layer ${digest} is missing`);
}

async function unpackBlob(
  blob: FileHandle,
  layer: Descriptor,
  diffId: Digest,
  root: string,
  unpacker: Unpacker,
): Promise<void> {
  const { size } = await blob.stat();
  if (size !== layer.size) {
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} has ${size} bytes, not ${layer.size}`);
  }
  const found = await unpacker(blob, root);
  if (found.digest !== layer.digest)
    throw imageFault('IMAGE_INVALID', `the content of the layer ${layer.digest} does not match its digest`);
  if (found.diffId !== diffId)
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} does not match the diff id in the config`);
}

/** Another process can be faster; its folder has the same content. */
async function moveInto(root: string, target: string): Promise<void> {
  try {
    await rename(root, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  }
}
