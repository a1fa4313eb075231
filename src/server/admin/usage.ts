/** The operator's view of usage: reads the database itself, whether or not a server is running. */
import { type UsageRow, usageRows } from '../../functions/index.ts';
import type { UsageQuery } from '../../store/index.ts';
import { loadConfig } from '../config/config.ts';
import { actAsOwner } from './act-as.ts';
import { openUsedState, operatorStores } from './operator-stores.ts';

interface Place {
  readonly dataDir?: string;
  readonly configFile?: string;
}

/** By day and namespace. @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function* usageHere(place: Place, query: UsageQuery): AsyncGenerator<UsageRow, void> {
  const config = await loadConfig(place);
  const stores = operatorStores(config);
  using _acting = actAsOwner(config.dataDir);
  await using store = await openUsedState(stores, config.dataDir);
  yield* usageRows(store.usage, query);
}
