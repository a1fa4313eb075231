/**
 * The bytes of what was pushed, as blobs. A blob is there before the database knows of it, and is gone after the
 * database has forgotten it; so whatever ends the process, what is known is there. Blobs that the database does not
 * know are swept.
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
   * Makes what the writer has the blob `digest`, and then tells the database by `record`. When that throws, the blob is
   * nobody's, and left to the sweep.
   * @throws Fault BLOB_DIGEST_WRONG, and what `record` does
   */
  adopt(writer: BlobWriter, digest: Digest, record: () => Promise<void>): Promise<void>;
  /** The same for bytes in memory. */
  put(bytes: Uint8Array, digest: Digest, record: () => Promise<void>): Promise<void>;
  /** Removes the blob when `forget`, which asks the database, says so. Returns the bytes that it had, then. */
  remove(digest: Digest, forget: () => Promise<boolean>): Promise<number | undefined>;
}

/** Below `dir`; what an earlier process did not bring to its end is removed. */
export async function openContent(dir: string): Promise<Content> {
  const temporaries = temporariesIn(dir);
  await rm(temporaries, { recursive: true, force: true });
  await mkdir(temporaries, { recursive: true, mode: 0o700 });
  // For scans, which have the server's group and nothing else of it.
  await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true, mode: 0o750 });
  await removeHalfWrittenBlobs(dir);
  return contentOf(blobsIn(dir));
}

/** The blobs below `dir`, as they are. */
export function blobsIn(dir: string): BlobStore {
  return openBlobStore(dir, { temporaryDir: temporariesIn(dir), mode: 0o640 });
}

function temporariesIn(dir: string): string {
  return join(dir, 'uploads');
}

function contentOf(blobs: BlobStore): Content {
  // Between a blob's coming and the database's word nobody may remove it, and the other way round.
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
