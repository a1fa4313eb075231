/**
 * The bytes: a file a digest, in the folder of an OCI image layout. A file is there before the database knows of it,
 * and is gone after the database has forgotten it; so whatever ends the process, what is known is there. Files that
 * nobody knows of are swept.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  blobFault,
  blobPath,
  blobSize,
  type Digest,
  digestOf,
  isDigest,
  openRegularFile,
  readRegularFile,
  renameDurably,
} from '../blobs/index.ts';
import { newId } from '../lib/index.ts';
import { type ByteRange, copyFile } from './copy-file.ts';
import { createKeyedLock } from './keyed-lock.ts';

export interface BlobCopier extends AsyncDisposable {
  /** `take` settles when its bytes are not needed any more: they are overwritten then. */
  copy(take: (bytes: Buffer) => Promise<void>): Promise<void>;
}

export interface Content {
  /** A fresh path for bytes that are not whole yet. */
  temporaryPath(): string;
  /**
   * Makes the flushed file at `temporary` the content of `digest`, and then tells the database by `record`. When that
   * throws, the file is nobody's, and left to the sweep.
   */
  adopt(temporary: string, digest: Digest, record: () => Promise<void>): Promise<void>;
  /** The same for bytes in memory. */
  put(bytes: Uint8Array, digest: Digest, record: () => Promise<void>): Promise<void>;
  /** @throws Fault BLOB_NOT_FOUND, BLOB_CORRUPT */
  read(digest: Digest, maxBytes: number): Promise<Buffer>;
  /** @throws Fault BLOB_NOT_FOUND */
  open(digest: Digest): Promise<Readable>;
  /** The file that has these bytes, if there are any. */
  path(digest: Digest): string;
  /**
   * For who takes the bytes a piece at a time: makes no garbage, however many there are.
   * @throws Fault BLOB_NOT_FOUND
   */
  copier(digest: Digest, range: ByteRange): Promise<BlobCopier>;
  /** Removes the file when `forget`, which asks the database, says so. Returns the bytes that it had, then. */
  remove(digest: Digest, forget: () => Promise<boolean>): Promise<number | undefined>;
  /** All that there is, in no order. */
  list(): AsyncIterable<Digest>;
}

const readBytes = 256 * 1024;

/** Below `dir`; what an earlier process did not bring to its end is removed. */
export async function openContent(dir: string): Promise<Content> {
  const temporaries = join(dir, 'uploads');
  await rm(temporaries, { recursive: true, force: true });
  await mkdir(temporaries, { recursive: true, mode: 0o700 });
  // For scans, which have the server's group and nothing else of it.
  await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true, mode: 0o750 });
  return contentIn(dir);
}

/** What lies below `dir`, as it is. */
export function contentIn(dir: string): Content {
  const temporaries = join(dir, 'uploads');
  // Between a rename and the database's word nobody may remove the file, and the other way round.
  const locks = createKeyedLock();
  const temporaryPath = () => join(temporaries, newId());
  const adopt = (temporary: string, digest: Digest, record: () => Promise<void>) =>
    locks.run(digest, async () => {
      await renameDurably(temporary, blobPath(dir, digest));
      await record();
    });
  return {
    temporaryPath,
    adopt,
    async put(bytes, digest, record) {
      const temporary = temporaryPath();
      try {
        await writeTemporary(temporary, bytes);
        await adopt(temporary, digest, record);
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async read(digest, maxBytes) {
      const bytes = await readRegularFile(blobPath(dir, digest), maxBytes);
      if (bytes === undefined) throw missing(digest);
      if (digestOf(bytes) === digest) return bytes;
      throw blobFault('BLOB_CORRUPT', `the blob ${digest} is damaged: its bytes have another digest`, {
        hint: 'Push it again.',
      });
    },
    async open(digest) {
      const file = await openRegularFile(blobPath(dir, digest));
      if (file === undefined) throw missing(digest);
      return file.createReadStream({ highWaterMark: readBytes });
    },
    path: (digest) => blobPath(dir, digest),
    async copier(digest, range) {
      const file = await openRegularFile(blobPath(dir, digest));
      if (file === undefined) throw missing(digest);
      return {
        copy: (take) => copyFile(file, range, take),
        [Symbol.asyncDispose]: () => file.close(),
      };
    },
    remove: (digest, forget) =>
      locks.run(digest, async () => {
        if (!(await forget())) return undefined;
        const bytes = await blobSize(dir, digest);
        await rm(blobPath(dir, digest), { force: true });
        return bytes ?? 0;
      }),
    async *list() {
      for await (const { name } of await opendir(join(dir, 'blobs', 'sha256'))) {
        const digest = `sha256:${name}`;
        if (isDigest(digest)) yield digest;
      }
    },
  };
}

export function openTemporary(path: string): Promise<FileHandle> {
  return open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o640);
}

async function writeTemporary(path: string, bytes: Uint8Array): Promise<void> {
  const file = await openTemporary(path);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

function missing(digest: Digest) {
  return blobFault('BLOB_NOT_FOUND', `there is no blob ${digest}`);
}
