/**
 * The pushed bytes, as blobs. A blob exists before a repository has it, and is removed when none has had it for a while
 * (`blob-rows.ts`). So what a repository has exists, even if the process ends at any moment.
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
import type { RegistryDatabase } from './database.ts';
import { registryStoreFault } from './faults.ts';

/** A database ends a transaction that idles for longer; see `RegistryDatabase.removeBlob`. */
const removalMs = 15_000;

export interface Content {
  readonly blobs: Omit<BlobStore, 'put' | 'putStream' | 'delete'>;
  /**
   * Stores the writer's bytes as the blob `digest`, and then gives it to a repository by `name`. If that throws, a sweep
   * removes the blob later.
   * @throws Fault BLOB_DIGEST_WRONG, UPLOAD_UNKNOWN, and errors of `name`
   */
  adopt(writer: BlobWriter, digest: Digest, name: NameBlob): Promise<void>;
  /** Does the same with bytes in memory. */
  put(bytes: Uint8Array, digest: Digest, name: NameBlob): Promise<void>;
  /** Removes the blob if it was doomed at `before` or earlier, and returns its size; otherwise undefined. */
  remove(digest: Digest, before: number): Promise<number | undefined>;
}

/** A transaction that names the blob only if its row is live. False: it changed nothing, so try again with a live row. */
type NameBlob = () => Promise<boolean>;

/** Opens the blobs below `dir`, and removes unfinished ones of earlier processes. */
export async function openBlobFiles(dir: string): Promise<BlobStore> {
  const temporaries = temporariesIn(dir);
  await rm(temporaries, { recursive: true, force: true });
  await mkdir(temporaries, { recursive: true, mode: 0o700 });
  // Scans share only the server's group, and must be able to read it.
  await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true, mode: 0o750 });
  await removeHalfWrittenBlobs(dir);
  return blobsIn(dir);
}

/** Opens the blobs below `dir` without changing them. */
export function blobsIn(dir: string): BlobStore {
  return openBlobStore(dir, { temporaryDir: temporariesIn(dir), mode: 0o640 });
}

function temporariesIn(dir: string): string {
  return join(dir, 'uploads');
}

export function createContent(blobs: BlobStore, db: RegistryDatabase): Content {
  return {
    blobs,
    async adopt(writer, digest, name) {
      // A client can announce any digest. `commit` refuses a wrong one, which must not change a row.
      if (writer.digest() === digest) await db.reviveBlob(digest, writer.size);
      await writer.commit(digest);
      while (!(await name())) {
        await db.reviveBlob(digest, writer.size);
        if (await blobs.has(digest)) continue;
        throw registryStoreFault('UPLOAD_UNKNOWN', 'the upload took too long, and its bytes were removed');
      }
    },
    async put(bytes, digest, name) {
      do {
        await db.reviveBlob(digest, bytes.length);
        await blobs.put(bytes);
      } while (!(await name()));
    },
    remove: (digest, before) =>
      db.removeBlob(digest, before, () => blobs.delete(digest, AbortSignal.timeout(removalMs))),
  };
}
