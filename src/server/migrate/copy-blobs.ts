/**
 * What both directions of a move of blobs have in common. An interrupted run can be repeated: what the target has whole is
 * not copied again.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, type Digest, openSharedBlobs, type SharedBlobs } from '../../blobs/index.ts';
import { type FileLock, formatSize, isFault, silentLog, tryFileLock } from '../../lib/index.ts';
import { actAsOwner } from '../admin/act-as.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { dataPaths } from '../instance/instance.ts';
import { readStorePassword } from '../secrets/store-password.ts';
import { type Place, placeOf } from './places.ts';

export interface MigrateBlobsOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

export interface MovedBlobs {
  readonly kind: BlobKind;
  /** In the source; each is whole in the target, but for damaged ones. */
  readonly blobs: number;
  readonly bytes: number;
  /** Copied by this run. */
  readonly sent: number;
  /** Digests of blobs that have other bytes in the source. They stay behind. */
  readonly damaged: readonly Digest[];
}

export interface MigrateBlobsResult {
  readonly from: string;
  readonly to: string;
  /** False: a server was running, so blobs can have come since. */
  readonly isComplete: boolean;
  readonly places: readonly MovedBlobs[];
}

type BlobKind = 'code' | 'registry';

/** Where blobs move, in one direction or the other. */
export interface BlobMove extends AsyncDisposable {
  readonly config: Config & { readonly blobs: NonNullable<Config['blobs']> };
  readonly databases: Place;
  /** Undefined while a server has the data folder. */
  readonly lock: FileLock | undefined;
  readonly shared: SharedBlobs;
  readonly folders: readonly { readonly kind: BlobKind; readonly dir: string }[];
  openBucket(kind: BlobKind): Promise<BlobStore>;
}

/** Blobs on their way at a time. */
const atOnce = 8;

/** @throws Fault CONFIG_INVALID, DATA_DIR_EMPTY, DATA_DIR_BUSY, MIGRATE_REFUSED, and those of the stores */
export async function openBlobMove(options: MigrateBlobsOptions): Promise<BlobMove> {
  const config = await loadConfig(options);
  const { dataDir, store, blobs } = config;
  if (blobs === undefined) {
    throw serverFault('MIGRATE_REFUSED', 'the setting blobs is absent, which names the bucket', {
      hint: 'set blobs: s3://BUCKET/PREFIX in the configuration, or WARD_BLOBS',
    });
  }
  const databases = placeOf(dataDir, store, readStorePassword(store));
  const paths = dataPaths(dataDir);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(dataDir));
  const lock = tryFileLock(paths.lock);
  if (lock !== undefined) stack.use(lock);
  await databases.openUsed();
  const work = join(dataDir, 'moving');
  stack.use(await takeFolder(work));
  // Without a bound for copies, each blob leaves the disk when it has been read.
  const shared = stack.use(await openSharedBlobs({ ...blobs, cacheBytes: 0 }, silentLog));
  options.signal.addEventListener('abort', () => void shared[Symbol.asyncDispose](), { once: true });
  const opened = stack.move();
  return {
    ...{ config: { ...config, blobs }, databases, lock, shared },
    folders: [
      { kind: 'code', dir: paths.code },
      { kind: 'registry', dir: paths.registry },
    ],
    openBucket: (kind) => shared.open({ name: kind, dir: join(work, kind), mode: 0o600, dirMode: 0o700 }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function takeFolder(work: string): Promise<AsyncDisposable> {
  await mkdir(work, { recursive: true, mode: 0o700 });
  const lock: FileLock | undefined = tryFileLock(join(work, 'lock'));
  if (lock === undefined) throw serverFault('DATA_DIR_BUSY', 'another ward migrate --blobs is running');
  return {
    async [Symbol.asyncDispose]() {
      await rm(work, { recursive: true, force: true });
      lock.release();
    },
  };
}

interface Copying extends Pick<MigrateBlobsOptions, 'signal' | 'onStep'> {
  readonly kind: BlobKind;
  readonly from: BlobStore;
  readonly to: BlobStore;
}

/** Copies what the target does not have whole, until a list of the source has nothing new. */
export async function copyBlobs({ kind, from, to, signal, onStep }: Copying): Promise<MovedBlobs> {
  const damaged: Digest[] = [];
  const done = { blobs: 0, bytes: 0, sent: 0 };
  const copyOne = async (digest: Digest) => {
    const size = await from.size(digest);
    // A server that runs can remove it meanwhile.
    if (size === undefined) return;
    const isThere = (await to.size(digest)) === size && (await isWhole(to, digest));
    if (!isThere && !(await send(from, to, digest))) damaged.push(digest);
    else {
      done.bytes += size;
      if (!isThere) done.sent++;
    }
    done.blobs++;
    onStep(`moving ${kind}: ${done.blobs} blobs, ${formatSize(done.bytes)}`);
  };
  const seen = new Set<Digest>();
  for (let before = -1; before < seen.size; ) {
    before = seen.size;
    await eachOf(from.list(), async (digest) => {
      signal.throwIfAborted();
      if (seen.has(digest)) return;
      seen.add(digest);
      await copyOne(digest);
    });
  }
  return { kind, ...done, damaged };
}

/** Works on some at a time. After an error, begins no further one, and waits for those that are under way. */
async function eachOf<T>(items: AsyncIterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.asyncIterator]();
  let hasFailed = false;
  const worker = async () => {
    for (let next = await left.next(); next.done !== true && !hasFailed; next = await left.next())
      await work(next.value).catch((error) => {
        hasFailed = true;
        throw error;
      });
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Returns false when the source has other bytes under the digest. */
async function send(from: BlobStore, to: BlobStore, digest: Digest): Promise<boolean> {
  await using writer = to.write();
  try {
    const bytes = await from.open(digest);
    try {
      await writer.append(bytes);
    } finally {
      bytes.destroy();
    }
  } catch (error) {
    if (isFault(error, 'BLOB_CORRUPT')) return false;
    throw error;
  }
  if (writer.digest() !== digest) return false;
  await writer.commit(digest);
  if (await isWhole(to, digest)) return true;
  throw serverFault('MIGRATE_REFUSED', `the blob ${digest} was written, and reads back with other bytes`, {
    hint: 'check the disk, or the store of the bucket, and run the same command again',
  });
}

/** Reads it where it is: nothing is kept here. */
async function isWhole(store: BlobStore, digest: Digest): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const bytes of await store.open(digest)) hash.update(bytes);
  } catch (error) {
    if (isFault(error, 'BLOB_CORRUPT') || isFault(error, 'BLOB_NOT_FOUND')) return false;
    throw error;
  }
  return `sha256:${hash.digest('hex')}` === digest;
}
