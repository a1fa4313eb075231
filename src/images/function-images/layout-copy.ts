/** Copies images from one OCI image layout to another, each blob completely or not at all. */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { blobPath, blobSize, openBlobStore, renameDurably, temporaryBeside } from '../../blobs/index.ts';
import { errnoOf } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { readImage } from '../oci/layout.ts';
import type { Descriptor } from '../oci/schema.ts';
import { openLayerStore } from '../store/layer-store.ts';
import { type Unpacker, unpackApart } from '../unpack/apart.ts';

/** `link`: both layouts share the file, so only for folders that no one else can write to. */
export type CopyMode = 'link' | 'copy';

/** Errors for a file that can't have a second name there. */
const unlinkable = new Set(['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP']);

/** Copies all blobs of an image; the caller names it. @throws Fault IMAGE_INVALID */
export async function copyImage(
  from: string,
  to: string,
  descriptor: Descriptor,
  mode: CopyMode,
): Promise<void> {
  const { manifest } = await readImage(from, descriptor);
  for (const each of [...manifest.layers, manifest.config, descriptor]) await copyBlob(from, to, each, mode);
}

/** Does nothing if the blob exists. @throws Fault IMAGE_INVALID when it is missing in the source */
export async function copyBlob(
  from: string,
  to: string,
  { digest, size }: Descriptor,
  mode: CopyMode,
): Promise<void> {
  if ((await blobSize(to, digest)) === size) return;
  if ((await blobSize(from, digest)) !== size) {
    throw imageFault('IMAGE_INVALID', `${from} lacks the blob ${digest}`);
  }
  const [source, target] = [blobPath(from, digest), blobPath(to, digest)];
  await mkdir(dirname(target), { recursive: true });
  const temporary = temporaryBeside(target);
  try {
    if (mode === 'copy' || !(await isLinked(source, temporary))) await copy(source, temporary);
    await renameDurably(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Unpacks an image's layers in the store in `dir`, and checks that they match its documents. */
export async function unpackLayers(
  dir: string,
  descriptor: Descriptor,
  unpacker: Unpacker = unpackApart,
): Promise<void> {
  const { manifest, config } = await readImage(dir, descriptor);
  const store = openLayerStore(dir, unpacker);
  const blobs = openBlobStore(dir);
  for (const [at, layer] of manifest.layers.entries()) {
    const diffId = config.rootfs.diff_ids[at];
    if (diffId !== undefined) await store.unpack(blobs, layer, diffId);
  }
}

async function isLinked(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (unlinkable.has(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

/** Copies no bytes on file systems with reflinks. */
async function copy(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  const file = await open(target, 'r+');
  try {
    // Node gives root's copy to the owner of the source, who could then write to it.
    const { uid } = await file.stat();
    const [own, group] = [process.geteuid?.(), process.getegid?.()];
    if (own !== undefined && group !== undefined && uid !== own) await file.chown(own, group);
    await file.sync();
  } finally {
    await file.close();
  }
}
