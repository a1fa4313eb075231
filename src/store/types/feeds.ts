import type { JsonObject } from '../../lib/index.ts';

/** An event source that fires a trigger: state of a built-in feed provider. */
export interface FeedRow {
  readonly namespace: string;
  /** Name of the trigger; a trigger has one feed at most. */
  readonly trigger: string;
  /** `alarms/interval`, … */
  readonly provider: string;
  /** Random, new with each write; the optimistic lock. */
  readonly revision: string;
  /** Unique token by which a provider finds it from outside. */
  readonly token: string | null;
  /** Time of the next check; epoch milliseconds. */
  readonly dueAt: number | null;
  readonly document: JsonObject;
}

/** In the order of `waiting`. */
export type FeedPlace = Pick<FeedRow, 'namespace' | 'trigger'>;

/** A write that the owner of the trigger asked for: the audit log names it. */
export interface FeedChange {
  readonly replaced: FeedRow | undefined;
}

/** Writes are batched, and durable when they settle; a read sees settled writes. */
export interface FeedStore {
  get(namespace: string, trigger: string): Promise<FeedRow | undefined>;
  byToken(token: string): Promise<FeedRow | undefined>;
  /**
   * Inserts (`expected: null`) or replaces the row of revision `expected`. False when another write won.
   * @throws Fault STORE_NO_NAMESPACE, STORE_DUPLICATE when the token is taken
   */
  put(row: FeedRow, expected: string | null, change?: FeedChange): Promise<boolean>;
  delete(namespace: string, trigger: string, change?: FeedChange): Promise<boolean>;
  /** Of a namespace. */
  count(namespace: string): Promise<number>;
  /** A page of a namespace's, by the trigger's name. */
  list(
    namespace: string,
    page: { readonly skip: number; readonly limit: number },
  ): Promise<readonly FeedRow[]>;
  /** Due at `now` or before: earliest first. */
  due(now: number, limit: number): Promise<readonly FeedRow[]>;
  /** Those with a `dueAt`, by namespace and trigger; with `after`, those after that place. */
  waiting(limit: number, after?: FeedPlace): Promise<readonly FeedRow[]>;
  /** The earliest `dueAt` of all. */
  nextDue(): Promise<number | undefined>;
}
