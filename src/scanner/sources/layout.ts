/** Reads an image in an OCI image layout: Ward's own store, or a folder that another tool wrote. */

import type { Readable } from 'node:stream';
import { blobPath, type Digest, openRegularFile } from '../../blobs/index.ts';
import { pickEntry, readDocumentFile, readIndex } from '../../images/index.ts';
import { scannerFault } from '../faults.ts';
import type { ImageSource } from '../types.ts';
import { imageSourceOf } from './image-source.ts';

/** Large, because each piece costs a turn of the event loop. */
export const readBytes = 256 * 1024;

export interface Choice {
  /** `org.opencontainers.image.ref.name`, or a tag of `docker save`; needed when there are several images. */
  readonly tag?: string | undefined;
  /** In OCI's notation; by default this machine's. */
  readonly architecture?: string | undefined;
}

/** @throws Fault IMAGE_NOT_FOUND, IMAGE_INVALID */
export async function layoutSource(
  name: string,
  dir: string,
  { tag, architecture }: Choice,
): Promise<ImageSource> {
  const entry = pickEntry(name, dir, await readIndex(dir), tag, architecture);
  const blobs = {
    read: async ({ digest }: { digest: Digest }) =>
      (await readDocumentFile(blobPath(dir, digest))) ?? lacking(dir, digest),
    open: ({ digest }: { digest: Digest }) => openBlob(dir, digest),
    // Holding the file would need a write beside it, but a layout is only read.
    localFile: async ({ digest }: { digest: Digest }) => ({
      path: blobPath(dir, digest),
      [Symbol.asyncDispose]: async () => {},
    }),
  };
  return imageSourceOf(name, entry, blobs, architecture);
}

async function openBlob(dir: string, digest: Digest): Promise<Readable> {
  const file = await openRegularFile(blobPath(dir, digest));
  return file?.createReadStream({ highWaterMark: readBytes }) ?? lacking(dir, digest);
}

function lacking(where: string, digest: Digest): never {
  throw scannerFault('LAYER_MISSING', `${where} lacks the blob ${digest}`);
}
