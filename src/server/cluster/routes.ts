/** The API's routes of a cluster, on a node that has the authority. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterService } from '../../cluster/index.ts';
import type { Store } from '../../store/index.ts';

/**
 * Undefined without an authority; then nothing of the cluster is loaded.
 * @param folder of the authority
 * @throws Fault CLUSTER_FILE_INVALID, CLUSTER_FILE_INSECURE
 */
export async function openClusterRoutes(
  folder: string,
  { members }: Pick<Store, 'members'>,
): Promise<ClusterService | undefined> {
  if (!existsSync(join(folder, 'authority.pem'))) return undefined;
  const { createClusterService, openAuthority } = await import('../../cluster/index.ts');
  return createClusterService({ authority: openAuthority(folder), members });
}
