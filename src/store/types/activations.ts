import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { LongText } from '../batch.ts';
import type { EgressUse } from './egress.ts';

export interface ActivationRow {
  readonly activationId: string;
  readonly namespace: string;
  readonly name: string;
  /** `name` or `package/name` as it was invoked (a binding's name wins). */
  readonly path: string;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number | null;
  readonly statusCode: number;
  /** The whole record except its logs. */
  readonly document: JsonObject;
}

/** A record to be written: its document is JSON already, so that a large one is not serialised again. */
export interface ActivationInsert extends Omit<ActivationRow, 'document'> {
  /** A JSON object: the whole record except its response and its logs. */
  readonly documentJson: string;
  /** JSON of the `response`; null without one. */
  readonly responseJson: string | LongText | null;
  /** What the namespace pays for it; null for the record of a firing, which is no call. */
  readonly usage: CallUsage | null;
}

/** What a call used. */
export interface CallUsage {
  /** Memory limit times duration, in MiB × ms. */
  readonly mibMs: number;
  readonly isCold: boolean;
  /** Over the network, with all headers. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** By target. Absent: it reached nothing, and nothing was refused. */
  readonly egress?: readonly EgressUse[] | undefined;
}

/** A call that leaves no record, and the accepted invocation that it settles, as in `ActivationWrite`. */
export interface UnrecordedCall {
  readonly activationId: string;
  readonly namespace: string;
  /** As in the record. */
  readonly path: string;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number | null;
  readonly statusCode: number;
  readonly usage: CallUsage;
  readonly settles: number | null;
}

/** How its sandbox was there: started for it, started for any call of its kind, or used before. */
export type StartKind = 'cold' | 'prewarmed' | 'warm';

export interface ActivationFilter {
  readonly namespace: string;
  /** `name` matches unpackaged only; `package/name` exactly. */
  readonly path?: string;
  /** Inclusive, epoch milliseconds. */
  readonly since?: number;
  readonly upto?: number;
  /** Only those that did not succeed. */
  readonly failed?: boolean;
  /** Only calls: without the firings of triggers. */
  readonly calls?: boolean;
  readonly startKind?: StartKind;
}

export interface ActivationQuery extends ActivationFilter {
  /** Leaves `response` out of the documents, so that a page of large results costs nothing. */
  readonly brief?: boolean;
  readonly skip: number;
  readonly limit: number;
}

/** How an activation ended: a record without its document. */
export type ActivationOutcome = Pick<ActivationRow, 'activationId' | 'start' | 'end' | 'statusCode'>;

/** A record to store, and the accepted invocation that it settles, in one transaction. */
export interface ActivationWrite {
  readonly row: ActivationInsert;
  /** Its lines; for a long log, a JSON array of them. */
  readonly logs: readonly string[] | LongText;
  /** JSON of the input, if it is to be kept. */
  readonly inputJson?: string;
  /**
   * The attempt of the accepted row that this record settles: the argument of `claim` plus one (0 when it was never
   * claimed). The accepted row is deleted; when it has another attempt by now, or no longer exists, the whole write
   * is ignored. `null`: the invocation never was in the accepted queue.
   */
  readonly settles: number | null;
}

export interface ActivationStore {
  /**
   * Kept in memory, written in batches; the promise settles when it is on disk. Reads see it at once. Rejects with
   * STORE_DUPLICATE or STORE_NO_NAMESPACE for that record alone, never for its neighbours in the batch. While the
   * disk takes nothing it waits; when too much waits, it is rejected with STORE_BACKLOG, except a small one that
   * settles.
   */
  append(write: ActivationWrite): Promise<unknown>;
  /** Counts a call that leaves no record in the usage of its day. Otherwise like `append`. */
  addUnrecorded(call: UnrecordedCall): Promise<unknown>;
  /**
   * Undefined while memory for more records is free, else settles when the disk has caught up. Await it before
   * starting work that ends in an `append` without `await`: this bounds the memory.
   */
  room(): Promise<void> | undefined;
  get(namespace: string, activationId: string): Promise<ActivationRow | undefined>;
  logs(namespace: string, activationId: string): Promise<readonly string[] | undefined>;
  /** Its input, if it was stored. */
  input(namespace: string, activationId: string): Promise<JsonValue | undefined>;
  /** Newest first. */
  list(query: ActivationQuery): Promise<readonly ActivationRow[]>;
  count(query: Omit<ActivationQuery, 'skip' | 'limit' | 'brief'>): Promise<number>;
  /** Those that exist, without `response`, in any order. */
  briefs(namespace: string, activationIds: readonly string[]): Promise<readonly ActivationRow[]>;
  /** The newest ones. */
  newest(filter: ActivationFilter, limit: number): Promise<readonly ActivationOutcome[]>;
  /** Of each path the newest ones, at most `limit`, in the order of `paths`. Each is read only when it is asked for. */
  outcomes(
    namespace: string,
    paths: readonly string[],
    limit: number,
  ): AsyncIterable<readonly ActivationOutcome[]>;
  /** Settles when everything appended so far is on disk. */
  flush(): Promise<void>;
  /**
   * Deletes a namespace's oldest records, with their logs and inputs, and returns their number: at most `max`, and
   * fewer when they are large, so that a call does not delay others. Call it again until it returns 0.
   */
  prune(rule: PruneRule): Promise<number>;
  /**
   * Deletes a namespace's oldest records while all of them together exceed the limit, in steps as in `prune`. Call it
   * again until it deletes nothing.
   */
  evict(rule: EvictRule): Promise<Evicted>;
}

/** What to delete: the oldest records, until the rest is small enough. */
export interface EvictRule {
  readonly namespace: string;
  readonly keepBytes: number;
  /** Keeps records that ended later; epoch milliseconds. */
  readonly endedBefore: number;
  readonly max: number;
}

export interface Evicted {
  readonly records: number;
  /** The remaining bytes. */
  readonly heldBytes: number;
}

/** What to delete: each record that `before` or `keep` selects; nothing without both. */
export interface PruneRule {
  readonly namespace: string;
  /** Deletes records that started before this; epoch milliseconds. */
  readonly before?: number;
  /** Deletes all but this many of the newest records. */
  readonly keep?: number;
  /** At least 1. 250 take about ten milliseconds of the store's time, among millions. */
  readonly max: number;
}
