/**
 * `ward migrate --blobs`: copies code and pushed blobs from the data folder into the bucket that `blobs` names, and reads
 * each one back. An interrupted run can be repeated: what the bucket has whole is not sent again.
 *
 * While the server runs, most of them are copied already, so that little is left when it has stopped. The run without a
 * server completes the move: the folders of the blobs get another name.
 */
import { existsSync, renameSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BlobLocation,
  type BlobStore,
  type Digest,
  describeLocation,
  openBlobStore,
  openSharedBlobs,
  type SharedBlobs,
} from '../../blobs/index.ts';
import { type FileLock, formatSize, isFault, silentLog, tryFileLock } from '../../lib/index.ts';
import { actAsOwner } from '../admin/act-as.ts';
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { dataPaths } from '../instance/instance.ts';
import { readStorePassword } from '../secrets/store-password.ts';
import { placeOf } from './places.ts';

export interface MigrateBlobsOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

export interface MovedBlobs {
  readonly kind: 'code' | 'registry';
  /** In the folder; each is whole in the bucket, but for damaged ones. */
  readonly blobs: number;
  readonly bytes: number;
  /** Sent by this run. */
  readonly sent: number;
  /** Digests of files that have other bytes. They stay behind. */
  readonly damaged: readonly Digest[];
}

export interface MigrateBlobsResult {
  readonly from: string;
  readonly to: string;
  /** False: a server was running, so blobs can have come since. */
  readonly isComplete: boolean;
  readonly places: readonly MovedBlobs[];
}

/** Blobs on their way at a time. */
const atOnce = 8;

/** @throws Fault CONFIG_INVALID, DATA_DIR_EMPTY, DATA_DIR_BUSY, MIGRATE_REFUSED, and those of the stores */
export async function migrateBlobs(options: MigrateBlobsOptions): Promise<MigrateBlobsResult> {
  const { dataDir, store, blobs: location } = await loadConfig(options);
  if (location === undefined) {
    throw serverFault('MIGRATE_REFUSED', 'the setting blobs is absent: there is nowhere to move blobs to', {
      hint: 'set blobs: s3://BUCKET/PREFIX in the configuration, or WARD_BLOBS',
    });
  }
  const place = placeOf(dataDir, store, readStorePassword(store));
  using _acting = actAsOwner(dataDir);
  const paths = dataPaths(dataDir);
  using lock = tryFileLock(paths.lock);
  await place.openUsed();
  const folders = [
    { kind: 'code', dir: paths.code },
    { kind: 'registry', dir: paths.registry },
  ] as const;
  for (const { dir } of folders) refuseMoved(dir);
  const work = join(dataDir, 'moving');
  await using stack = new AsyncDisposableStack();
  stack.use(await takeFolder(work));
  // Without a bound for copies, each blob leaves the disk when it has been read back.
  const shared = stack.use(await openSharedBlobs({ ...location, cacheBytes: 0 }, silentLog));
  options.signal.addEventListener('abort', () => void shared[Symbol.asyncDispose](), { once: true });
  await shared.claim(await place.id());
  const places: MovedBlobs[] = [];
  for (const { kind, dir } of folders) places.push(await copyAll({ kind, dir, shared, work }, options));
  if (lock !== undefined) for (const { dir } of folders) moveAway(dir);
  return { from: dataDir, to: describeLocation(location), isComplete: lock !== undefined, places };
}

/** Gives the bucket up for the database that a Ward moves to. */
export async function releaseBlobs(location: BlobLocation | undefined, id: string): Promise<void> {
  if (location === undefined) return;
  await using shared = await openSharedBlobs(location, silentLog);
  await shared.release(id);
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

interface Source extends Pick<MovedBlobs, 'kind'> {
  readonly dir: string;
  readonly shared: SharedBlobs;
  readonly work: string;
}

async function copyAll(
  { kind, dir, shared, work }: Source,
  { signal, onStep }: MigrateBlobsOptions,
): Promise<MovedBlobs> {
  const from = openBlobStore(dir);
  const to = await shared.open({ name: kind, dir: join(work, kind), mode: 0o600, dirMode: 0o700 });
  const damaged: Digest[] = [];
  const done = { blobs: 0, bytes: 0, sent: 0 };
  const copyOne = async (digest: Digest) => {
    const size = await from.size(digest);
    // A server that runs can remove it meanwhile.
    if (size === undefined) return;
    const isThere = await isWhole(to, digest, size);
    if (!isThere && !(await send(from, to, digest))) damaged.push(digest);
    else {
      done.bytes += size;
      if (!isThere) done.sent++;
    }
    done.blobs++;
    onStep(`moving ${kind}: ${done.blobs} blobs, ${formatSize(done.bytes)}`);
  };
  await eachOf(from.list(), async (digest) => {
    signal.throwIfAborted();
    await copyOne(digest);
  });
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

/** Returns false when the bytes in the folder have another digest. */
async function send(from: BlobStore, to: BlobStore, digest: Digest): Promise<boolean> {
  await using writer = to.write();
  const bytes = await from.open(digest);
  try {
    await writer.append(bytes);
  } finally {
    bytes.destroy();
  }
  if (writer.digest() !== digest) return false;
  await writer.commit(digest);
  // Reads it back from the bucket: nothing is kept here.
  await using _ = await to.localFile(digest);
  return true;
}

async function isWhole(to: BlobStore, digest: Digest, size: number): Promise<boolean> {
  if ((await to.size(digest)) !== size) return false;
  try {
    await using _ = await to.localFile(digest);
    return true;
  } catch (error) {
    if (isFault(error, 'BLOB_CORRUPT') || isFault(error, 'BLOB_NOT_FOUND')) return false;
    throw error;
  }
}

const movedName = 'blobs.moved';

function refuseMoved(dir: string): void {
  if (!existsSync(join(dir, 'blobs')) || !existsSync(join(dir, movedName))) return;
  throw serverFault('MIGRATE_REFUSED', `${join(dir, movedName)} has the blobs of an earlier move`, {
    hint: 'remove it, or move it elsewhere',
  });
}

function moveAway(dir: string): void {
  if (existsSync(join(dir, 'blobs'))) renameSync(join(dir, 'blobs'), join(dir, movedName));
}
