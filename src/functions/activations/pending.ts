/** What can be said of an activation that was accepted and has no record yet. */
import type { JsonObject } from '../../lib/index.ts';
import type { AcceptedQueue } from '../../store/index.ts';
import type { Vault } from '../vault/vault.ts';
import { fromQueue } from './accepted-task.ts';
import type { Executions } from './executions.ts';
import { frameOfTask, pendingRecord } from './record.ts';

/** Undefined when there is no such activation in the namespace. @throws Fault VAULT_KEY_MISSING */
export async function findPending(
  { executions, accepted, vault }: { executions: Executions; accepted: AcceptedQueue; vault: Vault },
  namespace: string,
  activationId: string,
): Promise<JsonObject | undefined> {
  const execution = executions.find(activationId);
  if (execution !== undefined) {
    return execution.task.namespace === namespace
      ? pendingRecord(execution.task, execution.frame)
      : undefined;
  }
  const row = await accepted.get(namespace, activationId);
  const parsed = row === undefined ? undefined : fromQueue(row.job, vault);
  return parsed === undefined ? undefined : pendingRecord(parsed.task, frameOfTask(parsed.task));
}
