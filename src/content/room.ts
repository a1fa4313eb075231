/**
 * Checks quotas by conditions in SQL, so that they hold in the transaction that uses the space, however many pushes run
 * at once. Content that a namespace already holds costs nothing more.
 */
import { z } from 'zod';
import { formatSize } from '../lib/index.ts';
import type { RegistryDatabase } from './database.ts';
import { registryStoreFault } from './faults.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import type { RegistryStoreLimits } from './types.ts';

/**
 * Parameters: `?1` digest, `?2` bytes as they count, `?3` repository, `?4` namespace, `?5` and `?6` the limits of bytes
 * and repositories.
 */
export const hasRoom = `
  (exists (select 1 from holdings where namespace = ?4 and digest = ?1)
    or coalesce((select bytes from usage where namespace = ?4), 0) + ?2 <= ?5)
  and (exists (select 1 from repositories where name = ?3)
    or (select count(*) from repositories where namespace = ?4) < ?6)`;

/** A block of the file system: the tables count a smaller blob as one. */
export const smallestBytes = 4096;

export function roomValues(
  digest: string,
  size: number,
  repository: RepositoryName,
  limits: RegistryStoreLimits,
) {
  const namespace = namespaceOfRepository(repository);
  const { bytesPerNamespace, repositoriesPerNamespace } = limits;
  return [
    digest,
    Math.max(size, smallestBytes),
    repository,
    namespace,
    bytesPerNamespace,
    repositoriesPerNamespace,
  ] as const;
}

const usageRow = z.object({ bytes: z.number() });
const countRow = z.object({ count: z.number() });

/** The bytes that the namespace holds. */
export async function bytesHeldBy(db: RegistryDatabase, namespace: string): Promise<number> {
  const row = await db.first(usageRow, 'select bytes from usage where namespace = ?1', namespace);
  return row?.bytes ?? 0;
}

/** Bytes. */
export interface Room {
  readonly held: number;
  readonly allowed: number;
}

const roomRow = z.object({ found: z.number() });

/** @throws Fault STORAGE_EXHAUSTED when a condition of `hasRoom` fails */
export async function checkRoom(
  db: RegistryDatabase,
  repository: RepositoryName,
  { digest, size }: { readonly digest: string; readonly size: number },
  limits: RegistryStoreLimits,
): Promise<void> {
  const values = roomValues(digest, size, repository, limits);
  const found = await db.first(roomRow, `select 1 as found where ${hasRoom}`, ...values);
  if (found === undefined) throw await storageExhausted(db, repository, limits);
}

async function storageExhausted(
  db: RegistryDatabase,
  repository: RepositoryName,
  { bytesPerNamespace: allowed, repositoriesPerNamespace }: RegistryStoreLimits,
) {
  const namespace = namespaceOfRepository(repository);
  const row = await db.first(
    countRow,
    'select count(*) as count from repositories where namespace = ?1 and name <> ?2',
    ...[namespace, repository],
  );
  if ((row?.count ?? 0) < repositoriesPerNamespace) {
    return noRoom(namespace, { held: await bytesHeldBy(db, namespace), allowed });
  }
  return registryStoreFault(
    'STORAGE_EXHAUSTED',
    `${namespace} can have ${repositoriesPerNamespace} repositories, and this would be one more`,
    { hint: 'delete repositories that are not needed' },
  );
}

export function noRoom(namespace: string, { held, allowed }: Room) {
  return registryStoreFault(
    'STORAGE_EXHAUSTED',
    `${namespace} uses ${formatSize(held)} of ${formatSize(allowed)} in the registry, ` +
      'and this would exceed the limit',
    { hint: 'delete images that are not needed, or ask the operator for a larger --registry-quota' },
  );
}
