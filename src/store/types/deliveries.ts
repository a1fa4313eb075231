import type { JsonObject } from '../../lib/index.ts';

/** A rule's call of its action that waits for another try, or was given up. */
export interface DeliveryRow {
  readonly id: string;
  readonly namespace: string;
  /** Name of the rule. */
  readonly rule: string;
  readonly state: 'waiting' | 'dead';
  /** Tries so far. */
  readonly attempt: number;
  readonly createdAt: number;
  /** Time of the next try for a waiting one, and of giving up for a dead one; epoch milliseconds. */
  readonly dueAt: number;
  readonly document: JsonObject;
}

export interface DeliveryQuery {
  readonly namespace: string;
  readonly rule?: string;
  readonly skip: number;
  readonly limit: number;
}

/** Writes are batched, and durable when they settle; a read sees settled writes. */
export interface DeliveryStore {
  /** @throws Fault STORE_NO_NAMESPACE, STORE_DUPLICATE */
  add(row: DeliveryRow): Promise<void>;
  get(namespace: string, id: string): Promise<DeliveryRow | undefined>;
  /** Replaces the row if its attempt and its state are still those. */
  update(row: DeliveryRow, expected: Pick<DeliveryRow, 'attempt' | 'state'>): Promise<boolean>;
  delete(namespace: string, id: string): Promise<boolean>;
  /** Like `delete`, as its owner asks: the audit log names it. */
  discard(namespace: string, id: string): Promise<boolean>;
  /** Waiting ones due at `now` or before: earliest first. */
  due(now: number, limit: number): Promise<readonly DeliveryRow[]>;
  /** The earliest `dueAt` of all waiting ones. */
  nextDue(): Promise<number | undefined>;
  /** Dead ones of a namespace, newest first. */
  dead(query: DeliveryQuery): Promise<readonly DeliveryRow[]>;
  countDead(namespace: string, rule?: string): Promise<number>;
}
