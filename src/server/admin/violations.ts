/** The operator's view of violations: reads the database itself, whether or not a server is running. */
import type { ViolationQuery, ViolationRow } from '../../store/index.ts';
import { loadConfig } from '../config/config.ts';
import { actAsOwner } from './act-as.ts';
import { openUsedState, operatorStores } from './operator-stores.ts';

export interface ViolationAdminOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
}

/** Returns the newest first. @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function listViolationsHere(
  options: ViolationAdminOptions,
  query: ViolationQuery,
): Promise<readonly ViolationRow[]> {
  const config = await loadConfig(options);
  const stores = operatorStores(config);
  using _acting = actAsOwner(config.dataDir);
  await using store = await openUsedState(stores, config.dataDir);
  return await store.violations.list(query);
}
