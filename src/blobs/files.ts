/**
 * Content-addressed bytes in files: `blobs/sha256/<hex>`, the folder of an OCI image layout, which also contains
 * function code. The bytes under a digest always have that digest: a blob appears only when it is complete
 * (`whole-file.ts`), and is checked again when it is read whole. Any number of processes can put and get at once.
 */
import type { Dir } from 'node:fs';
import { link, opendir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../lib/index.ts';
import { copyFile } from './copy-file.ts';
import { digestHex, digestOf, isDigest } from './digest.ts';
import { blobFault, missingBlob } from './faults.ts';
import { FileWriter, putByWriter } from './file-writer.ts';
import type { BlobStore, Digest, LocalFile } from './types.ts';
import {
  isTemporary,
  openRegularFile,
  readBytes,
  readRegularFile,
  temporaryBeside,
  writeFileAtomically,
} from './whole-file.ts';

export interface FileStoreOptions {
  /** Folder of unfinished blobs, on the same file system; by default beside the blobs. */
  readonly temporaryDir?: string;
  /** Mode of the files; by default 0644. */
  readonly mode?: number;
}

/** Larger than any layer that is read whole; Node's own limit for one read is 2 GiB. */
const maxBlobBytes = 1024 ** 3;

/** The blobs below `dir`, which the first put creates. */
export function openBlobStore(dir: string, options: FileStoreOptions = {}): BlobStore {
  const folder = join(dir, 'blobs', 'sha256');
  const { temporaryDir = folder, mode = 0o644 } = options;
  const pathOf = (digest: Digest) => blobPath(dir, digest);
  const temporaryPath = () => temporaryBeside(join(temporaryDir, 'new'));
  const write = () => new FileWriter({ temporary: temporaryPath(), mode, folder, isLasting: true });
  const openFile = async (digest: Digest) => {
    const file = await openRegularFile(pathOf(digest));
    if (file === undefined) throw missingBlob(digest);
    return file;
  };
  return {
    async put(bytes) {
      const digest = digestOf(bytes);
      // Rewrites a damaged blob, and leaves a good one alone.
      if (!(await isWhole(dir, digest, bytes.length)))
        await writeFileAtomically(pathOf(digest), bytes, { temporary: temporaryPath(), mode });
      return digest;
    },
    putStream: (source) => putByWriter(write(), source),
    write,
    get: (digest, maxBytes = maxBlobBytes) => getBytes(dir, digest, maxBytes),
    async open(digest, range) {
      const file = await openFile(digest);
      return file.createReadStream({
        ...(range !== undefined && { start: range.first, end: range.last }),
        highWaterMark: readBytes,
      });
    },
    async copier(digest, range) {
      const file = await openFile(digest);
      return {
        copy: (take) => copyFile(file, range, take),
        [Symbol.asyncDispose]: () => file.close(),
      };
    },
    localFile: (digest) => holdFile(pathOf(digest), digest),
    has: async (digest) => (await blobSize(dir, digest)) !== undefined,
    size: (digest) => blobSize(dir, digest),
    delete: (digest) => rm(pathOf(digest), { force: true }),
    lateMs: 0,
    list: () => listBlobs(dir),
  };
}

/** Removes leftovers of a killed put. No put may be in progress. */
export async function removeHalfWrittenBlobs(dir: string): Promise<void> {
  const folder = join(dir, 'blobs', 'sha256');
  for (const name of await readdir(folder).catch(() => [])) {
    if (isTemporary(name)) await rm(join(folder, name), { force: true });
  }
}

/** Path of the blob, whether it exists or not. */
export function blobPath(dir: string, digest: Digest): string {
  return join(dir, 'blobs', 'sha256', digestHex(digest));
}

/** Size of the stored blob; undefined when it does not exist. */
export async function blobSize(dir: string, digest: Digest): Promise<number | undefined> {
  try {
    const found = await stat(blobPath(dir, digest));
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a blob of that length exists undamaged. */
async function isWhole(dir: string, digest: Digest, bytes: number): Promise<boolean> {
  if ((await blobSize(dir, digest)) !== bytes) return false;
  const present = await readRegularFile(blobPath(dir, digest), bytes);
  return present !== undefined && digestOf(present) === digest;
}

async function getBytes(dir: string, digest: Digest, maxBytes: number): Promise<Buffer> {
  const bytes = await readRegularFile(blobPath(dir, digest), maxBytes);
  if (bytes === undefined) throw missingBlob(digest);
  if (digestOf(bytes) === digest) return bytes;
  throw blobFault('BLOB_CORRUPT', `the blob ${digest} is damaged: its bytes have another digest`, {
    hint: `Remove ${blobPath(dir, digest)} and store the blob again.`,
  });
}

/** Errors for a file that can't have a second name: then nothing holds the first one. */
const unlinkable = new Set(['EACCES', 'EDQUOT', 'EMLINK', 'ENOSPC', 'ENOTSUP', 'EPERM', 'EROFS']);

/** A second name of the file, which outlives the first. */
async function holdFile(path: string, digest: Digest): Promise<LocalFile> {
  const held = temporaryBeside(path);
  try {
    await link(path, held);
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (code === 'ENOENT') throw missingBlob(digest);
    if (!unlinkable.has(code)) throw error;
    return { path, [Symbol.asyncDispose]: async () => {} };
  }
  return { path: held, [Symbol.asyncDispose]: () => rm(held, { force: true }) };
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
