/** Fires the security trigger for new findings in code that runs already. */
import type { GateEvent } from '../../gate/index.ts';
import type { JsonObject, Log } from '../../lib/index.ts';

export function securityEvents(
  fire: (namespace: string, payload: JsonObject) => void,
  log: Log,
): (event: GateEvent) => void {
  return (event) => {
    const payload = payloadOf(event);
    log.warn(payload, 'the gate judges anew what runs');
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
