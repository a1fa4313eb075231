/**
 * Fires the trigger `security` of `/whisk.system` and of the affected namespace, for events that need attention at
 * once.
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

/**
 * Fires the trigger where it exists. Never throws.
 * @param unfinished firings that are not durable yet
 * @returns (namespace, parameters of the trigger's actions)
 */
export function createSecurityTrigger(
  { namespaces, firing }: Pick<Functions, 'namespaces' | 'firing'>,
  unfinished: Set<Promise<void>>,
  log: Log,
): (namespace: string, payload: JsonObject) => void {
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
  return (namespace, payload) => {
    for (const owner of new Set([systemNamespace, namespace])) {
      const fired = fire(owner, payload)
        .catch((error) =>
          log.error({ owner, reason: messageOf(error) }, 'the security trigger could not be fired'),
        )
        .finally(() => unfinished.delete(fired));
      unfinished.add(fired);
    }
  };
}

/** Fires it for new findings in deployed code. */
export function securityEvents(
  fire: (namespace: string, payload: JsonObject) => void,
  log: Log,
): (event: GateEvent) => void {
  return (event) => {
    const payload = payloadOf(event);
    log.warn(payload, 'the verdict on running code has changed');
    fire(event.after.namespace, payload);
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
