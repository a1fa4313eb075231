/**
 * Content-addressed bytes in files: `blobs/sha256/<hex>`, the folder of an OCI image layout, which also holds
 * function code. What is under a digest always has that digest: a blob appears whole (`files.ts`), and is
 * checked again on every read. Any number of processes may put and get at once.
 */

import { createHash } from 'node:crypto';
import type { Dir } from 'node:fs';
import { mkdir, open, opendir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { errnoOf } from '../lib/index.ts';
import { digestHex, digestOf, isDigest, parseDigest } from './digest.ts';
import { blobFault } from './faults.ts';
import type { BlobStore, Digest } from './types.ts';
import {
  isTemporary,
  readRegularFile,
  renameDurably,
  temporaryBeside,
  writeFileAtomically,
} from './whole-file.ts';

/** More than any layer that is read as a whole; Node's own limit for one read is 2 GiB. */
const maxBlobBytes = 1024 ** 3;

/** The blobs below `dir`, which is made at the first put. */
export function openBlobStore(dir: string): BlobStore {
  return {
    put: (bytes) => putBytes(dir, bytes),
    get: (digest) => getBytes(dir, digest),
    has: async (digest) => (await blobSize(dir, digest)) !== undefined,
    size: (digest) => blobSize(dir, digest),
    delete: (digest) => rm(blobPath(dir, digest), { force: true }),
    list: () => listBlobs(dir),
  };
}

/** Removes what a put that was killed has left behind. Nobody may be putting there meanwhile. */
export async function removeHalfWrittenBlobs(dir: string): Promise<void> {
  const folder = join(dir, 'blobs', 'sha256');
  for (const name of await readdir(folder).catch(() => [])) {
    if (isTemporary(name)) await rm(join(folder, name), { force: true });
  }
}

/** Where the blob lies, or would lie. */
export function blobPath(dir: string, digest: Digest): string {
  return join(dir, 'blobs', 'sha256', digestHex(digest));
}

/** Bytes of the stored blob; undefined when it is not there. */
export async function blobSize(dir: string, digest: Digest): Promise<number | undefined> {
  try {
    const found = await stat(blobPath(dir, digest));
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Stores a stream of any length without holding it in memory. */
export async function putStream(dir: string, source: Readable): Promise<{ digest: Digest; size: number }> {
  const folder = join(dir, 'blobs', 'sha256');
  await mkdir(folder, { recursive: true });
  const temporary = temporaryBeside(join(folder, 'new'));
  try {
    const hash = createHash('sha256');
    let size = 0;
    const file = await open(temporary, 'wx', 0o644);
    try {
      for await (const chunk of source) {
        hash.update(chunk);
        size += chunk.length;
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const digest = parseDigest(`sha256:${hash.digest('hex')}`);
    await renameDurably(temporary, blobPath(dir, digest));
    return { digest, size };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function* listBlobs(dir: string): AsyncGenerator<Digest> {
  let folder: Dir;
  try {
    folder = await opendir(join(dir, 'blobs', 'sha256'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  for await (const { name } of folder) {
    const digest = `sha256:${name}`;
    if (isDigest(digest)) yield digest;
  }
}

async function putBytes(dir: string, bytes: Uint8Array): Promise<Digest> {
  const digest = digestOf(bytes);
  const path = blobPath(dir, digest);
  // A damaged blob is written anew; a good one is left alone.
  const present =
    (await blobSize(dir, digest)) === bytes.length ? await readRegularFile(path, bytes.length) : undefined;
  if (present === undefined || digestOf(present) !== digest) await writeFileAtomically(path, bytes);
  return digest;
}

async function getBytes(dir: string, digest: Digest): Promise<Buffer> {
  const bytes = await readRegularFile(blobPath(dir, digest), maxBlobBytes);
  if (bytes === undefined) throw blobFault('BLOB_NOT_FOUND', `there is no blob ${digest}`);
  if (digestOf(bytes) === digest) return bytes;
  throw blobFault('BLOB_CORRUPT', `the blob ${digest} is damaged: its bytes have another digest`, {
    hint: `Remove ${blobPath(dir, digest)} and store the blob again.`,
  });
}
