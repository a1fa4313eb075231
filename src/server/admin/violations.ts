/** The operator's view of violations: reads the database itself, whether or not a server is running. */
import type { ViolationQuery, ViolationRow } from '../../store/index.ts';
import { openState, type Place } from './operator-stores.ts';

/** Returns the newest first. @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function listViolationsHere(
  place: Place,
  query: ViolationQuery,
): Promise<readonly ViolationRow[]> {
  await using at = await openState(place);
  return await at.store.violations.list(query);
}
