/** Opens the blobs of a server where the setting `blobs` has them: in the data folder, or in an S3-compatible store. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type BlobLocation,
  type BlobStore,
  describeLocation,
  openSharedBlobs,
  type SharedBlobs,
} from '../../blobs/index.ts';
import { isFault, type Log, silentLog } from '../../lib/index.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';

export interface ServerBlobs extends AsyncDisposable {
  /**
   * Binds the bucket's prefix to the database. While the bucket is away, nothing is removed from it.
   * @throws Fault BLOBS_OTHER_STORE, and those of a bucket that refuses Ward
   */
  claim(id: string): Promise<void>;
  openCode(): Promise<BlobStore>;
  openRegistry(): Promise<BlobStore>;
  /** Snapshots of the advisories. */
  openAdvisories(): Promise<BlobStore>;
}

/** Modes of the copies. Only the owner can read code; scans have the server's group. */
const codeModes = { mode: 0o600, dirMode: 0o700 };
const registryModes = { mode: 0o640, dirMode: 0o750 };

/**
 * @param admitWrite asked before a copy is written to this node's disk
 * @returns undefined when the blobs are in the data folder
 * @throws Fault BLOBS_NOT_MOVED
 */
export async function openServerBlobs(
  { blobs: location, dataDir }: Pick<Config, 'blobs' | 'dataDir'>,
  admitWrite: (bytes: number) => void,
  log: Log,
): Promise<ServerBlobs | undefined> {
  const { code, registry } = dataPaths(dataDir);
  const { advisories } = gatePaths(dataDir);
  if (location === undefined) {
    for (const dir of [code, registry]) refuseComing(dir);
    return undefined;
  }
  for (const dir of [code, registry]) refuseUnmoved(dir, location);
  const shared = await openSharedBlobs(location, log);
  return {
    async claim(id) {
      try {
        await shared.claim(id);
      } catch (error) {
        if (!isFault(error, 'BLOB_STORE_UNREACHABLE')) throw error;
        log.warn({ reason: error.message }, 'cannot ask yet whether the bucket belongs to this database');
      }
    },
    openCode: () => shared.open({ name: 'code', dir: code, ...codeModes, admitWrite }),
    openRegistry: () => shared.open({ name: 'registry', dir: registry, ...registryModes, admitWrite }),
    openAdvisories: () =>
      shared.open({ name: 'advisories', dir: dirname(advisories), ...codeModes, admitWrite }),
    [Symbol.asyncDispose]: () => shared[Symbol.asyncDispose](),
  };
}

export interface OpenBucket extends AsyncDisposable {
  open(name: 'code' | 'registry' | 'advisories'): Promise<BlobStore>;
}

/** For a command, which shares no copies with the server. */
export async function openBucketByHand(location: BlobLocation): Promise<OpenBucket> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), 'ward-blobs-'));
  stack.defer(() => folder.remove());
  const shared: SharedBlobs = stack.use(await openSharedBlobs(location, silentLog));
  const opened = stack.move();
  return {
    open: (name) => shared.open({ name, dir: join(folder.path, name), ...registryModes }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Beside the folder of the blobs, while they come from a bucket. */
export const comingName = 'blobs.coming';

function refuseComing(dir: string): void {
  const folder = join(dir, comingName);
  if (!existsSync(folder)) return;
  throw serverFault('BLOBS_NOT_MOVED', `${folder} has blobs of a move out of a bucket that has not ended`, {
    hint:
      'to complete it, run ward migrate --blobs --to folder with the setting blobs; ' +
      'to go on with the bucket, set blobs and remove that folder',
  });
}

/** Blobs from before the setting would seem lost: actions would fail one after the other. */
function refuseUnmoved(dir: string, location: BlobLocation): void {
  const folder = join(dir, 'blobs', 'sha256');
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  throw serverFault(
    'BLOBS_NOT_MOVED',
    `${folder} has blobs from before the setting blobs named ${describeLocation(location)}`,
    {
      hint: 'move them into the bucket: ward migrate --blobs; if you have moved them out of it, remove the setting blobs',
    },
  );
}
