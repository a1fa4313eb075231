/**
 * Room for one more: conditions in SQL, so that they hold in the transaction that makes use of it, however many pushes
 * run. What a namespace holds already costs nothing more.
 */
import { z } from 'zod';
import { formatSize } from '../../lib/index.ts';
import type { RegistryDatabase } from './database.ts';
import { registryStoreFault } from './faults.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import type { RegistryStoreLimits } from './types.ts';

/**
 * For `?1` digest, `?2` bytes, `?3` repository, `?4` namespace, `?5` and `?6` the limits of bytes and repositories.
 */
export const hasRoom = `
  (exists (select 1 from holdings where namespace = ?4 and digest = ?1)
    or coalesce((select bytes from usage where namespace = ?4), 0) + max(?2, 4096) <= ?5)
  and (exists (select 1 from repositories where name = ?3)
    or (select count(*) from repositories where namespace = ?4) < ?6)`;

export function roomValues(
  digest: string,
  size: number,
  repository: RepositoryName,
  limits: RegistryStoreLimits,
) {
  const namespace = namespaceOfRepository(repository);
  const { bytesPerNamespace, repositoriesPerNamespace } = limits;
  return [digest, size, repository, namespace, bytesPerNamespace, repositoriesPerNamespace] as const;
}

const usageRow = z.object({ bytes: z.number() });

/** The room that the namespace uses already. */
export async function bytesHeldBy(db: RegistryDatabase, namespace: string): Promise<number> {
  const row = await db.first(usageRow, 'select bytes from usage where namespace = ?', namespace);
  return row?.bytes ?? 0;
}

export function storageExhausted(namespace: string, limits: RegistryStoreLimits) {
  return registryStoreFault(
    'STORAGE_EXHAUSTED',
    `${namespace} may hold ${formatSize(limits.bytesPerNamespace)} in ${limits.repositoriesPerNamespace} ` +
      'repositories, and this would be more: delete what is not needed',
  );
}
