/** Blobs from one OCI image layout to another, each whole or not at all. */
import { constants } from 'node:fs';
import { copyFile, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { blobPath, blobSize } from '../blob-store.ts';
import { imageFault } from '../faults.ts';
import { renameDurably, temporaryBeside } from '../files.ts';
import type { Descriptor } from '../oci/schema.ts';

/** Nothing is done when it is there. @throws Fault IMAGE_INVALID when it is not where it should come from */
export async function copyBlob(from: string, to: string, { digest, size }: Descriptor): Promise<void> {
  if ((await blobSize(to, digest)) === size) return;
  if ((await blobSize(from, digest)) !== size) {
    throw imageFault('IMAGE_INVALID', `${from} lacks the blob ${digest}`);
  }
  const target = blobPath(to, digest);
  await mkdir(dirname(target), { recursive: true });
  const temporary = temporaryBeside(target);
  try {
    // On a file system that can, without a byte being copied.
    await copyFile(blobPath(from, digest), temporary, constants.COPYFILE_FICLONE);
    const file = await open(temporary, 'r+');
    await file.sync().finally(() => file.close());
    await renameDurably(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
