/**
 * The pushed bytes, as blobs. A blob exists before a repository has it, and is removed when none has had it for a while
 * (`blob-rows.ts`). So what a repository has exists, even if the process ends at any moment.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
const removalMs = 3000;
/** Until a removal that is marked asks for its bytes. */
const longestBeginningMs = 15_000;
/** Another server has marked a row a moment before it locks the row. After that, waiting is of no use. */
const lockingMs = 2000;
const lookEveryMs = 50;

export interface Content {
  readonly blobs: Omit<BlobStore, 'put' | 'putStream' | 'delete'>;
  /**
   * Stores the writer's bytes as the blob `digest`, and then gives it to a repository by `name`. If that throws, a sweep
   * removes the blob later.
   * @throws Fault BLOB_DIGEST_WRONG, BLOB_BUSY, UPLOAD_UNKNOWN, and errors of `name`
   */
  adopt(writer: BlobWriter, digest: Digest, name: NameBlob): Promise<void>;
  /** Does the same with bytes in memory. @throws Fault BLOB_BUSY, and errors of `name` */
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
  const { lateMs } = blobs;
  const revive = async (digest: Digest, size: number) => {
    const end = performance.now() + lockingMs;
    while (!(await db.reviveBlob(digest, size, lateMs))) {
      if (performance.now() > end) throw busy(digest, lateMs);
      await sleep(lookEveryMs);
    }
  };
  return {
    blobs,
    async adopt(writer, digest, name) {
      // A client can announce any digest. `commit` refuses a wrong one, which must not change a row.
      if (writer.digest() === digest) await revive(digest, writer.size);
      await writer.commit(digest);
      while (!(await name())) {
        await revive(digest, writer.size);
        if (await blobs.has(digest)) continue;
        throw registryStoreFault('UPLOAD_UNKNOWN', 'the upload took too long, and its bytes were removed');
      }
    },
    async put(bytes, digest, name) {
      do {
        await revive(digest, bytes.length);
        await blobs.put(bytes);
      } while (!(await name()));
    },
    remove(digest, before) {
      const began = performance.now();
      return db.removeBlob(digest, { before, lateMs }, async () => {
        // What is left of `lateMs` must be longer than the store takes requests that are signed now.
        if (performance.now() - began > longestBeginningMs) throw putOff(digest);
        await blobs.delete(digest, AbortSignal.timeout(removalMs));
      });
    },
  };
}

function putOff(digest: Digest) {
  return registryStoreFault(
    'BLOB_BUSY',
    `the removal of ${digest} is put off, since its beginning took too long`,
  );
}

function busy(digest: Digest, lateMs: number) {
  const text = `the bytes of ${digest} were being removed, and the store has not said whether they are gone`;
  return registryStoreFault('BLOB_BUSY', text, {
    hint: `Push it again later. This takes up to ${Math.ceil(lateMs / 60_000)} minutes.`,
    retryAfterMs: 60_000,
  });
}
