/**
 * The pushed bytes, as blobs. A blob exists before the database refers to it, and is removed after the database has
 * forgotten it; so however the process ends, every known blob exists. The sweep removes blobs that the database does
 * not know.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BlobStore,
  type BlobWriter,
  type Digest,
  openBlobStore,
  removeHalfWrittenBlobs,
} from '../blobs/index.ts';
import { KeyedLock } from '../lib/index.ts';

export interface Content {
  readonly blobs: Omit<BlobStore, 'put' | 'putStream' | 'delete'>;
  /**
   * Stores the writer's bytes as the blob `digest`, and then updates the database by `record`. If that throws, the
   * sweep removes the blob later.
   * @throws Fault BLOB_DIGEST_WRONG, and errors of `record`
   */
  adopt(writer: BlobWriter, digest: Digest, record: () => Promise<void>): Promise<void>;
  /** Does the same with bytes in memory. */
  put(bytes: Uint8Array, digest: Digest, record: () => Promise<void>): Promise<void>;
  /** Removes the blob if `forget`, which asks the database, returns true. Then returns its size. */
  remove(digest: Digest, forget: () => Promise<boolean>): Promise<number | undefined>;
}

/** Opens the blobs below `dir`, and removes unfinished ones of earlier processes. */
export async function openContent(dir: string): Promise<Content> {
  const temporaries = temporariesIn(dir);
  await rm(temporaries, { recursive: true, force: true });
  await mkdir(temporaries, { recursive: true, mode: 0o700 });
  // Scans share only the server's group, and must be able to read it.
  await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true, mode: 0o750 });
  await removeHalfWrittenBlobs(dir);
  return contentOf(blobsIn(dir));
}

/** Opens the blobs below `dir` without changing them. */
export function blobsIn(dir: string): BlobStore {
  return openBlobStore(dir, { temporaryDir: temporariesIn(dir), mode: 0o640 });
}

function temporariesIn(dir: string): string {
  return join(dir, 'uploads');
}

function contentOf(blobs: BlobStore): Content {
  // A blob must not be removed between its write and its record in the database.
  const locks = new KeyedLock();
  return {
    blobs,
    adopt: (writer, digest, record) =>
      locks.run(digest, async () => {
        await writer.commit(digest);
        await record();
      }),
    put: (bytes, digest, record) =>
      locks.run(digest, async () => {
        await blobs.put(bytes);
        await record();
      }),
    remove: (digest, forget) =>
      locks.run(digest, async () => {
        if (!(await forget())) return undefined;
        const bytes = await blobs.size(digest);
        await blobs.delete(digest);
        return bytes ?? 0;
      }),
  };
}
