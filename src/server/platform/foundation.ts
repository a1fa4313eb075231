/** The foundation of a platform: its data folder, with disk space, its own memory, and the database. */
import { chmod, mkdir } from 'node:fs/promises';
import { type BlobStore, openBlobStore, removeHalfWrittenBlobs } from '../../blobs/index.ts';
import { measureCode } from '../../functions/index.ts';
import { isFault, type Log } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import { refuseUnfinishedRestore } from '../backup/restore.ts';
import type { Config } from '../config/config.ts';
import { refuseOtherEngine } from '../instance/database-mark.ts';
import { type DataPaths, dataPaths, lockDataDir } from '../instance/instance.ts';
import type { DataPart } from '../instance/missing-parts.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { openState, type SharedState } from '../stores/open-state.ts';
import { openServerBlobs, type ServerBlobs } from '../stores/shared-blobs.ts';
import { type Stores, storesOf } from '../stores/stores.ts';
import { type DiskReserve, openDiskReserve } from './disk-reserve.ts';
import { type MemoryPlan, memoryPlan, ownLimit, scanBytes } from './memory-plan.ts';
import { type MemoryWatch, startMemoryWatch } from './memory-watch.ts';
import { logRecording } from './record-keeping.ts';

interface FoundationOptions {
  readonly config: Config;
  readonly secrets: Pick<Secrets, 'parameterKeys' | 'storePassword'>;
  readonly acceptMissing: readonly DataPart[];
  readonly acceptMixed: boolean;
  readonly log: Log;
}

export interface Foundation extends AsyncDisposable {
  readonly paths: DataPaths;
  readonly disk: DiskReserve;
  readonly plan: MemoryPlan;
  readonly memory: MemoryWatch;
  readonly stores: Stores;
  /** Undefined when the blobs are in the data folder. */
  readonly sharedBlobs: ServerBlobs | undefined;
  readonly store: Store;
  /** Undefined when this server is the only one that works on the store. */
  readonly shared: SharedState | undefined;
  /** Marks the databases, the folder and the bucket as belonging together. Call it after the databases exist. */
  markAll(): Promise<void>;
}

/**
 * Takes the data folder for this server alone.
 * @throws Fault DATA_DIR_BUSY, DATA_DIR_INCOMPLETE, DATA_DIR_MIXED, DATA_DIR_OTHER_STORE, RESTORE_UNFINISHED and those of the store
 */
export async function openFoundation(options: FoundationOptions): Promise<Foundation> {
  const { config, secrets, acceptMissing, acceptMixed, log } = options;
  const { dataDir } = config;
  const paths = dataPaths(dataDir);
  await using stack = new AsyncDisposableStack();
  stack.use(lockDataDir(dataDir));
  refuseUnfinishedRestore(paths);
  refuseOtherEngine(dataDir, config.store);
  const stores = storesOf(config, secrets.storePassword, (migration) =>
    log.warn(
      { migration },
      'a newer Ward has upgraded the database; this one goes on with it until you upgrade it, too',
    ),
  );
  const disk = stack.use(await openDiskReserve({ file: paths.reserve, ...config.disk, log }));
  const group = ownLimit();
  const plan = memoryPlan(group);
  const { databaseCacheKiB: cacheKiB, shortBytes } = plan;
  const memory = stack.use(startMemoryWatch({ group, shortBytes, soonBytes: scanBytes, log }));
  const { store, id, shared, markFolder } = await openState(stores, {
    ...{ dataDir, hasOwnKeys: secrets.parameterKeys === undefined, isCodeShared: config.blobs !== undefined },
    ...{ acceptMissing, acceptMixed, log },
    ...{ cacheKiB, onRecording: logRecording(log) },
  });
  stack.use(store);
  const sharedBlobs = await openServerBlobs(config, disk.admitWrite, log);
  if (sharedBlobs !== undefined) stack.use(sharedBlobs);
  const opened = stack.move();
  return {
    ...{ paths, disk, plan, memory, stores, store, shared, sharedBlobs },
    async markAll() {
      await markFolder();
      await sharedBlobs?.claim(id);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Only the owner can read function code: sandboxes see copies elsewhere, under names that can't be guessed. */
export async function openCode({
  paths: { code },
  store,
  sharedBlobs,
}: Pick<Foundation, 'paths'> & {
  readonly store: Pick<Store, 'holdings'>;
  readonly sharedBlobs: Pick<ServerBlobs, 'openCode'> | undefined;
}): Promise<BlobStore> {
  const blobs = await (sharedBlobs?.openCode() ?? openOwnCode(code));
  // What a bucket that is away doesn't tell is measured at a later start.
  await measureCode(store.holdings, blobs).catch((error: unknown) => {
    if (!isFault(error, 'BLOB_STORE_UNREACHABLE')) throw error;
  });
  return blobs;
}

async function openOwnCode(code: string): Promise<BlobStore> {
  await mkdir(code, { recursive: true, mode: 0o700 });
  await chmod(code, 0o700);
  await removeHalfWrittenBlobs(code);
  return openBlobStore(code);
}
