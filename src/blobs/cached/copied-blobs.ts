/** Blobs of another node, read through copies on this one's disk. All places of a node share one bound. */
import { join } from 'node:path';
import { missingBlob } from '../faults.ts';
import type { BlobPlaceOptions, BlobReader, BlobStore, Digest } from '../types.ts';
import { CachedBlobs } from './cached-blobs.ts';
import { CacheBound, DiskCache } from './disk-cache.ts';
import { download, type PartSource } from './download.ts';

export interface CopiedBlobs {
  /** @param source its keys are digests */
  open(source: PartSource, options: Omit<BlobPlaceOptions, 'name'>): Promise<BlobReader>;
}

/** @param maxBytes of all copies that are not in use */
export function openCopiedBlobs(maxBytes: number): CopiedBlobs {
  const bound = new CacheBound(maxBytes);
  return {
    async open(source, { dir, mode, dirMode, admitWrite = () => {} }) {
      const cache = await DiskCache.open({ dir: join(dir, 'cache'), mode, dirMode, bound });
      const blobs = new CachedBlobs({
        ...{ source, cache, bound, admitWrite },
        keyOf: (digest) => digest,
        // A read of a part fetches the whole blob: sandboxes need all of it.
        size: async () => undefined,
      });
      return {
        get: (digest, maxBytes) => blobs.get(digest, maxBytes),
        open: (digest, range) => blobs.open(digest, range),
        copier: (digest, range) => blobs.copier(digest, range),
        localFile: (digest) => blobs.localFile(digest),
      };
    },
  };
}

/**
 * Copies a blob into a store, verified.
 * @param admitWrite called with its size before any byte is written; throws to refuse it
 * @throws Fault BLOB_NOT_FOUND, BLOB_DIGEST_WRONG, BLOB_STORE_UNREACHABLE
 */
export async function fetchBlob(
  source: PartSource,
  digest: Digest,
  store: Pick<BlobStore, 'write'>,
  admitWrite: (bytes: number) => void,
): Promise<void> {
  await using writer = store.write();
  if (!(await download(source, digest, writer, { admit: admitWrite }))) throw missingBlob(digest);
  await writer.commit(digest);
}
