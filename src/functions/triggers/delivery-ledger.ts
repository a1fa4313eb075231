/**
 * What only this process knows of waiting deliveries: the keys that they were sent with, which are never written to
 * disk, and how many each namespace has, so that none fills the disk.
 */
export interface DeliveryLedger {
  /** Returns false if the namespace has reached its limit. */
  enter(id: string, namespace: string, authorization: string | undefined): boolean;
  /** The `Authorization` header that it was sent with. Undefined if another process accepted it. */
  authorizationOf(id: string): string | undefined;
  /** Removes an ended delivery. Idempotent. */
  leave(id: string): void;
}

interface Entry {
  readonly namespace: string;
  readonly authorization: string | undefined;
}

/** @param capacity per namespace */
export function createDeliveryLedger(capacity: number): DeliveryLedger {
  const entries = new Map<string, Entry>();
  const counts = new Map<string, number>();
  return {
    enter(id, namespace, authorization) {
      const count = counts.get(namespace) ?? 0;
      if (count >= capacity) return false;
      entries.set(id, { namespace, authorization });
      counts.set(namespace, count + 1);
      return true;
    },
    authorizationOf: (id) => entries.get(id)?.authorization,
    leave(id) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      entries.delete(id);
      const count = (counts.get(entry.namespace) ?? 1) - 1;
      if (count === 0) counts.delete(entry.namespace);
      else counts.set(entry.namespace, count);
    },
  };
}
