/** The operator's view of egress: reads the database itself, whether or not a server is running. */
import { type EgressQuery, type EgressTargets, listEgress, parseEgressPlace } from '../../functions/index.ts';
import { loadConfig } from '../config/config.ts';
import { actAsOwner } from './act-as.ts';
import { openUsedState, operatorStores } from './operator-stores.ts';

interface Place {
  readonly dataDir?: string;
  readonly configFile?: string;
}

/** Targets of one page. */
const pageLength = 1000;

/** @param next of the page before. @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function egressHere(
  place: Place,
  query: Omit<EgressQuery, 'after' | 'limit'>,
  next: string | undefined,
): Promise<EgressTargets> {
  const config = await loadConfig(place);
  const stores = operatorStores(config);
  using _acting = actAsOwner(config.dataDir);
  await using store = await openUsedState(stores, config.dataDir);
  const after = next === undefined ? undefined : parseEgressPlace(next);
  return await listEgress(store.egress, { ...query, after, limit: pageLength });
}
