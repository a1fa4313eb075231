/** Opens the places of a node's blobs in an S3-compatible store: one client and one bound for all their copies. */
import { join } from 'node:path';
import { type Log, messageOf, watchUnneeded } from '../../lib/index.ts';
import { CacheBound, DiskCache } from '../cached/disk-cache.ts';
import type { BlobLocation } from '../location.ts';
import type { BlobPlaceOptions, BlobStore, SharedBlobs } from '../types.ts';
import { S3Blobs } from './blobs.ts';
import { Bucket, type BucketTimes } from './bucket.ts';
import { claimPlace, isOwner, releasePlace } from './owner.ts';

interface S3Options {
  readonly log: Log;
  /** For tests. */
  readonly times?: BucketTimes;
  /** For tests: longer files are sent in parts. */
  readonly wholeBytes?: number;
}

const hourMs = 3_600_000;
/** Longer than any upload takes. */
const uploadMs = 24 * hourMs;

/** Makes no request before the first use, so that Ward starts while the store is away. */
export function openS3(location: BlobLocation, { log, times, wholeBytes }: S3Options): SharedBlobs {
  const bucket = new Bucket(location, times, wholeBytes);
  const bound = new CacheBound(location.cacheBytes);
  const sweep = createUploadSweep(bucket, uploadMs);
  const timer = setInterval(() => {
    sweep().then(
      (count) => count > 0 && log.info({ count }, 'ended uploads of blobs that a node left unfinished'),
      (error) => log.warn({ reason: messageOf(error) }, 'cannot look for unfinished uploads of blobs'),
    );
  }, hourMs).unref();
  let claimed: { readonly id: string; isDone: boolean } | undefined;
  const claim = async () => {
    if (claimed === undefined || claimed.isDone) return;
    await claimPlace(bucket, claimed.id);
    claimed.isDone = true;
  };
  return {
    claim(id) {
      claimed = { id, isDone: false };
      return claim();
    },
    isOwnedBy: (id) => isOwner(bucket, id),
    release: (id) => releasePlace(bucket, id),
    async open({ name, dir, mode, dirMode, admitWrite }: BlobPlaceOptions) {
      const cache = await DiskCache.open({ dir: join(dir, 'cache'), mode, dirMode, bound });
      const options = { bucket, under: `${name}/`, cache, bound, admitWrite: admitWrite ?? (() => {}) };
      return unbound(new S3Blobs(options), claim);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      bucket[Symbol.dispose]();
    },
  };
}

/**
 * The same store with functions that callers can pass on without it.
 * @param mayDelete rejects while the place may belong to another database
 */
function unbound(blobs: S3Blobs, mayDelete: () => Promise<void>): BlobStore {
  return {
    put: (bytes) => blobs.put(bytes),
    putStream: (source) => blobs.putStream(source),
    write: () => blobs.write(),
    get: (digest, maxBytes) => blobs.get(digest, maxBytes),
    open: (digest, range) => blobs.open(digest, range),
    copier: (digest, range) => blobs.copier(digest, range),
    localFile: (digest) => blobs.localFile(digest),
    has: (digest) => blobs.has(digest),
    size: (digest) => blobs.size(digest),
    async delete(digest, signal) {
      await mayDelete();
      await blobs.delete(digest, signal);
    },
    lateMs: blobs.lateMs,
    list: () => blobs.list(),
  };
}

/**
 * Returns a sweep, to be called regularly, of uploads that a crashed node left. It ends an upload that it has seen
 * for `graceMs` by the clock of this process, because stores differ in what they call the start of an upload.
 * @param now milliseconds
 */
export function createUploadSweep(
  bucket: Pick<Bucket, 'unfinished' | 'endUpload'>,
  graceMs: number,
  now: () => number = () => performance.now(),
): () => Promise<number> {
  const look = watchUnneeded<string>(graceMs, now);
  return async () => {
    const seen = look();
    let count = 0;
    for (const upload of await bucket.unfinished()) {
      if (!seen.isOver(`${upload.id} ${upload.key}`)) continue;
      await bucket.endUpload(upload);
      count++;
    }
    seen.end();
    return count;
  };
}
