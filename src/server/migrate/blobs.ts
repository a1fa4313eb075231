/**
 * `ward migrate --blobs`: copies code and pushed blobs from the data folder into the bucket that `blobs` names, and reads
 * each one back.
 *
 * While the server runs, most of them are copied already, so that little is left when it has stopped. The run without a
 * server completes the move: the folders of the blobs get another name.
 */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type BlobLocation, describeLocation, openBlobStore, openSharedBlobs } from '../../blobs/index.ts';
import { silentLog } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import {
  copyBlobs,
  type MigrateBlobsOptions,
  type MigrateBlobsResult,
  type MovedBlobs,
  openBlobMove,
} from './copy-blobs.ts';

/** @throws Fault BLOBS_OTHER_STORE, and those of `openBlobMove` */
export async function migrateBlobs(options: MigrateBlobsOptions): Promise<MigrateBlobsResult> {
  await using move = await openBlobMove(options);
  const { config, databases, lock, shared, folders } = move;
  for (const { dir } of folders) refuseMoved(dir);
  await shared.claim(await databases.id());
  const places: MovedBlobs[] = [];
  for (const { kind, dir } of folders) {
    const [from, to] = [openBlobStore(dir), await move.openBucket(kind)];
    places.push(await copyBlobs({ ...options, kind, from, to }));
  }
  const isComplete = lock !== undefined;
  if (isComplete) for (const { dir } of folders) moveAway(dir);
  return { from: config.dataDir, to: describeLocation(config.blobs), isComplete, places };
}

/** Gives the bucket up for the database that a Ward moves to. */
export async function releaseBlobs(location: BlobLocation | undefined, id: string): Promise<void> {
  if (location === undefined) return;
  await using shared = await openSharedBlobs(location, silentLog);
  await shared.release(id);
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
