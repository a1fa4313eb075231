/**
 * `ward migrate --blobs --to folder`: copies code and pushed blobs from the bucket that `blobs` names into the data folder,
 * and reads each one back.
 *
 * Until all have come they are in a folder of another name, beside which no Ward starts without the setting. The run
 * without a server on the databases completes the move: the folders get their names, and the bucket belongs to no
 * database any more. Nothing is removed from the bucket.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeLocation, openBlobStore, removeHalfWrittenBlobs, renameDurably } from '../../blobs/index.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { hasFiles } from '../instance/missing-parts.ts';
import { comingName } from '../stores/shared-blobs.ts';
import {
  type BlobMove,
  copyBlobs,
  type MigrateBlobsOptions,
  type MigrateBlobsResult,
  type MovedBlobs,
  openBlobMove,
} from './copy-blobs.ts';

/** As the server has them: scans have its group, and read what was pushed. */
const modes = {
  code: { file: 0o644, folder: 0o700 },
  registry: { file: 0o640, folder: 0o750 },
} as const;

/** @throws Fault BLOBS_OTHER_STORE, and those of `openBlobMove` */
export async function migrateBlobsBack(options: MigrateBlobsOptions): Promise<MigrateBlobsResult> {
  await using move = await openBlobMove(options);
  const { config, databases, lock, shared, folders } = move;
  const from = describeLocation(config.blobs);
  const id = await databases.id();
  // A wrong prefix would look like a bucket without blobs.
  if (!(await shared.isOwnedBy(id))) throw notOwned(from);
  const wasServed = await isServed(move);
  const places: MovedBlobs[] = [];
  for (const { kind, dir } of folders) {
    const into = placeIn(dir);
    const mode = modes[kind];
    await mkdir(join(into, 'blobs', 'sha256'), { recursive: true, mode: mode.folder });
    // No other run writes there, and no server.
    await removeHalfWrittenBlobs(into);
    const to = openBlobStore(into, { mode: mode.file });
    places.push(await copyBlobs({ ...options, kind, from: await move.openBucket(kind), to }));
  }
  // A server that worked at the beginning or at the end may have stored something that the copy lacks.
  const isComplete = lock !== undefined && !wasServed && !(await isServed(move));
  if (isComplete) {
    for (const { dir } of folders) await takeIn(dir);
    const { advisories } = gatePaths(config.dataDir);
    for (const dir of [...folders.map((each) => each.dir), dirname(advisories)])
      await rm(join(dir, 'cache'), { recursive: true, force: true });
    await shared.release(id);
  }
  return { from, to: config.dataDir, isComplete, places };
}

/** Whether a server of another data folder works on the databases. */
async function isServed({ config, databases }: BlobMove): Promise<boolean> {
  return config.store.engine === 'postgres' && (await databases.isServed());
}

/** The folder in which blobs arrive. A run that was interrupted at its end has left some in their own. */
function placeIn(dir: string): string {
  return hasFiles(join(dir, 'blobs', 'sha256')) ? dir : join(dir, comingName);
}

async function takeIn(dir: string): Promise<void> {
  const coming = join(dir, comingName);
  if (!existsSync(coming)) return;
  const blobs = join(dir, 'blobs');
  if (!hasFiles(join(blobs, 'sha256'))) {
    await rm(blobs, { recursive: true, force: true });
    await renameDurably(join(coming, 'blobs'), blobs);
  }
  await rm(coming, { recursive: true });
}

function notOwned(place: string) {
  return serverFault('MIGRATE_REFUSED', `${place} has no blobs of this database`, {
    hint:
      'correct the setting blobs or store; if an earlier run has moved the blobs back, remove the setting blobs; ' +
      'if only the databases have moved since, start Ward once with the setting blobs',
  });
}
