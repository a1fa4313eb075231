/** The operator's view of violations: reads the database itself, whether or not a server is running. */
import type { ViolationQuery, ViolationRow } from '../../store/index.ts';
import { openStore } from '../../store/index.ts';
import { loadConfig } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import { actAsOwner } from './act-as.ts';
import { requireDatabase } from './namespaces.ts';

export interface ViolationAdminOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
}

/** Returns the newest first. @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function listViolationsHere(
  options: ViolationAdminOptions,
  query: ViolationQuery,
): Promise<readonly ViolationRow[]> {
  const { dataDir } = await loadConfig(options);
  const paths = dataPaths(dataDir);
  using _acting = actAsOwner(dataDir);
  await requireDatabase(paths, dataDir);
  await using store = await openStore({ path: paths.database });
  return await store.violations.list(query);
}
