/** What an operator should know of at once fires the trigger `security`: of `/whisk.system`, and of whom it concerns. */
import {
  type Functions,
  parseEntityName,
  parseNamespaceName,
  systemNamespace,
} from '../../functions/index.ts';
import { isFault, type JsonObject, type Log, messageOf, newId } from '../../lib/index.ts';

export const securityTrigger = parseEntityName('security');

/**
 * Fires where there is such a trigger. Never throws.
 * @param unfinished firings that are not durable yet
 * @returns (namespace, what the trigger's actions are told)
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
          log.error({ owner, reason: messageOf(error) }, 'the security trigger was not fired'),
        )
        .finally(() => unfinished.delete(fired));
      unfinished.add(fired);
    }
  };
}
