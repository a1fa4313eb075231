/** What can be said of an activation that was accepted and has no record yet. */
import type { JsonObject } from '../../lib/index.ts';
import type { AcceptedQueue } from '../../store/index.ts';
import type { Vault } from '../vault/vault.ts';
import { fromQueue } from './accepted-task.ts';
import type { Flights } from './flights.ts';
import { frameOfTask, pendingRecord } from './record.ts';

/** Undefined when there is no such activation in the namespace. @throws Fault VAULT_KEY_MISSING */
export async function findPending(
  { flights, accepted, vault }: { flights: Flights; accepted: AcceptedQueue; vault: Vault },
  namespace: string,
  activationId: string,
): Promise<JsonObject | undefined> {
  const flight = flights.find(activationId);
  if (flight !== undefined) {
    return flight.task.namespace === namespace ? pendingRecord(flight.task, flight.frame) : undefined;
  }
  const row = await accepted.get(namespace, activationId);
  const parsed = row === undefined ? undefined : fromQueue(row.job, vault);
  return parsed === undefined ? undefined : pendingRecord(parsed.task, frameOfTask(parsed.task));
}
