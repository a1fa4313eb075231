/** The operator's view of usage, of calls and of egress: reads the database itself, whether or not a server is running. */
import {
  type CallFigures,
  type CallFiguresQuery,
  callFigures,
  type EgressQuery,
  type EgressTargets,
  listEgress,
  parseEgressPlace,
  type UsageRow,
  usageRows,
} from '../../functions/index.ts';
import type { UsageQuery } from '../../store/index.ts';
import { openState, type Place } from './operator-stores.ts';

/** Targets of one page. */
const pageLength = 1000;

/** By day and namespace. @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function* usageHere(place: Place, query: UsageQuery): AsyncGenerator<UsageRow, void> {
  await using at = await openState(place);
  yield* usageRows(at.store.usage, query);
}

/** How the calls of all namespaces go now. @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function callsHere(place: Place, query: Omit<CallFiguresQuery, 'now'>): Promise<CallFigures> {
  await using at = await openState(place);
  return await callFigures(at.store.usageSlots, { ...query, now: Date.now() });
}

/** @param next of the page before. @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function egressHere(
  place: Place,
  query: Omit<EgressQuery, 'after' | 'limit'>,
  next: string | undefined,
): Promise<EgressTargets> {
  await using at = await openState(place);
  const after = next === undefined ? undefined : parseEgressPlace(next);
  return await listEgress(at.store.egress, { ...query, after, limit: pageLength });
}
