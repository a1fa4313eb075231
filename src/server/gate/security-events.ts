/**
 * What the gate finds anew in what runs already fires the trigger `security`: that of `/whisk.system`, for the operator,
 * and that of the namespace it was found in, if it has one.
 */
import {
  type Functions,
  parseEntityName,
  parseNamespaceName,
  systemNamespace,
} from '../../functions/index.ts';
import type { GateEvent } from '../../gate/index.ts';
import { isFault, type JsonObject, type Log, messageOf, newId } from '../../lib/index.ts';

export const securityTrigger = parseEntityName('security');

export function securityEvents(
  { namespaces, firing }: Pick<Functions, 'namespaces' | 'firing'>,
  log: Log,
): (event: GateEvent) => void {
  const fire = async (owner: string, payload: JsonObject): Promise<void> => {
    const identity = await namespaces.identityOf(owner);
    if (identity === undefined) return;
    const trigger = { namespace: parseNamespaceName(owner), name: securityTrigger };
    try {
      await firing.fire({ identity, trigger, payload, transactionId: newId(), authorization: undefined });
    } catch (error) {
      if (!isFault(error, 'NOT_FOUND')) throw error;
    }
  };
  return (event) => {
    const payload = payloadOf(event);
    log.warn(payload, 'the gate judges anew what runs');
    for (const owner of new Set([systemNamespace, event.after.namespace])) {
      fire(owner, payload).catch((error) => {
        log.error({ owner, reason: messageOf(error) }, 'the security trigger was not fired');
      });
    }
  };
}

function payloadOf({ type, after, added, removed }: GateEvent): JsonObject {
  return {
    type,
    digest: after.digest ?? null,
    namespace: after.namespace,
    stage: after.stage,
    outcome: after.outcome,
    summary: after.summary,
    added,
    removed,
  };
}
