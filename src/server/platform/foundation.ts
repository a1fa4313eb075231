/** The foundation of a platform: its data folder, with disk space, its own memory, and the database. */
import { chmod, mkdir } from 'node:fs/promises';
import { type BlobStore, openBlobStore, removeHalfWrittenBlobs } from '../../blobs/index.ts';
import { measureCode } from '../../functions/index.ts';
import type { Log } from '../../lib/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { refuseUnfinishedRestore } from '../backup/restore.ts';
import type { Config } from '../config/config.ts';
import { checkFolderId } from '../instance/folder-id.ts';
import { type DataPaths, dataPaths, lockDataDir } from '../instance/instance.ts';
import { type DataPart, refuseMissingDatabase, refuseMissingParts } from '../instance/missing-parts.ts';
import { type DiskReserve, openDiskReserve } from './disk-reserve.ts';
import { type MemoryPlan, memoryPlan, ownLimit, scanBytes } from './memory-plan.ts';
import { type MemoryWatch, startMemoryWatch } from './memory-watch.ts';
import { logRecording } from './record-keeping.ts';

interface FoundationOptions {
  readonly config: Config;
  /** The keys that encrypt parameters are in the folder. */
  readonly hasOwnKeys: boolean;
  readonly acceptMissing: readonly DataPart[];
  readonly acceptMixed: boolean;
  readonly log: Log;
}

export interface Foundation extends AsyncDisposable {
  readonly paths: DataPaths;
  readonly disk: DiskReserve;
  readonly plan: MemoryPlan;
  readonly memory: MemoryWatch;
  readonly store: Store;
  /** Marks all databases of the folder. Call it after they exist. */
  markFolder(): Promise<void>;
}

/**
 * Takes the data folder for this server alone.
 * @throws Fault DATA_DIR_BUSY, DATA_DIR_INCOMPLETE, DATA_DIR_MIXED, RESTORE_UNFINISHED and those of the store
 */
export async function openFoundation(options: FoundationOptions): Promise<Foundation> {
  const { config, hasOwnKeys, acceptMissing, acceptMixed, log } = options;
  const { dataDir } = config;
  const paths = dataPaths(dataDir);
  await using stack = new AsyncDisposableStack();
  stack.use(lockDataDir(dataDir));
  refuseUnfinishedRestore(paths);
  const disk = stack.use(await openDiskReserve({ file: paths.reserve, ...config.disk, log }));
  refuseMissingDatabase(dataDir, acceptMissing, log);
  const folderId = checkFolderId(dataDir, acceptMixed, log);
  const group = ownLimit();
  const plan = memoryPlan(group);
  const { databaseCacheKiB: cacheKiB, shortBytes } = plan;
  const memory = stack.use(startMemoryWatch({ group, shortBytes, soonBytes: scanBytes, log }));
  const store = stack.use(
    await openStore({ path: paths.database, cacheKiB, onRecording: logRecording(log) }),
  );
  await refuseMissingParts({ dataDir, hasOwnKeys }, store, acceptMissing, log);
  folderId.unmark();
  const opened = stack.move();
  return {
    ...{ paths, disk, plan, memory, store },
    markFolder: folderId.mark,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Only the owner can read function code: sandboxes see copies elsewhere, under names that can't be guessed. */
export async function openCode({
  paths: { code },
  store,
}: Pick<Foundation, 'paths' | 'store'>): Promise<BlobStore> {
  await mkdir(code, { recursive: true, mode: 0o700 });
  await chmod(code, 0o700);
  await removeHalfWrittenBlobs(code);
  const blobs = openBlobStore(code);
  await measureCode(store.holdings, blobs);
  return blobs;
}
