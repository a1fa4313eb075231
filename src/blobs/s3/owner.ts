/**
 * Binds a place in a bucket to the database whose blobs it has: servers of another database would remove them as
 * garbage. Each database has a marker object with its id in the name. Two databases that claim the place at once both
 * write theirs before they look, so at least the one that looks last sees the other, and steps back.
 */
import { blobFault } from '../faults.ts';
import type { Bucket } from './bucket.ts';

const folder = 'owners/';
const idForm = /^[A-Za-z0-9-]{8,64}$/;

/** @throws Fault BLOBS_OTHER_STORE, and those of the store */
export async function claimPlace(bucket: Bucket, id: string): Promise<void> {
  if (!idForm.test(id)) throw new Error('not the id of a database');
  const before = await ownersOf(bucket);
  refuseOthers(bucket, id, before);
  if (before.includes(id)) return;
  await bucket.put(folder + id, Buffer.from('Blobs of the Ward database with this id.\n'));
  try {
    refuseOthers(bucket, id, await ownersOf(bucket));
  } catch (error) {
    await releasePlace(bucket, id);
    throw error;
  }
}

/** @throws Fault BLOBS_OTHER_STORE when the place belongs to another database, and those of the store */
export async function isOwner(bucket: Bucket, id: string): Promise<boolean> {
  const owners = await ownersOf(bucket);
  refuseOthers(bucket, id, owners);
  return owners.includes(id);
}

/** The place then belongs to the next database that claims it. */
export async function releasePlace(bucket: Bucket, id: string): Promise<void> {
  await bucket.delete(folder + id);
}

async function ownersOf(bucket: Bucket): Promise<readonly string[]> {
  const keys = await Array.fromAsync(bucket.keys(folder));
  return keys.map((key) => key.slice(folder.length));
}

function refuseOthers({ place }: Bucket, id: string, owners: readonly string[]): void {
  const other = owners.find((owner) => owner !== id);
  if (other === undefined) return;
  throw blobFault('BLOBS_OTHER_STORE', `${place} belongs to another database, with the id ${other}`, {
    hint:
      'Give this Ward a prefix of its own in blobs:, or correct store:. ' +
      `If that database is gone for good, delete the object ${folder}${other} below the prefix.`,
  });
}
