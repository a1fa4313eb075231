/** Durable state, by concept. The store keeps documents; what they mean is known above. */
import type { JsonObject, JsonValue } from '../lib/index.ts';

export type Collection = 'actions' | 'triggers' | 'rules' | 'packages';

/** One entity. All collections share one name space per namespace, as OpenWhisk has it. */
export interface EntityRow {
  readonly namespace: string;
  /** `name` or `package/name`. */
  readonly path: string;
  readonly collection: Collection;
  /** Random, new with each write; the optimistic lock. */
  readonly revision: string;
  /** Epoch milliseconds. */
  readonly updatedAt: number;
  /** Digest of the code blob that it holds alive, if any. */
  readonly codeDigest: string | null;
  readonly document: JsonObject;
}

export interface EntityQuery {
  readonly namespace: string;
  readonly collection: Collection;
  /** A package's name: only what is in it. */
  readonly package?: string;
  readonly skip: number;
  readonly limit: number;
}

export interface EntityStore {
  get(namespace: string, path: string): Promise<EntityRow | undefined>;
  /** Newest first. */
  list(query: EntityQuery): Promise<readonly EntityRow[]>;
  count(query: Omit<EntityQuery, 'skip' | 'limit'>): Promise<number>;
  /** Inserts (`expected: null`) or replaces the row of revision `expected`. False when another write won. */
  put(row: EntityRow, expected: string | null): Promise<boolean>;
  /** False when the revision is no longer `expected`. */
  delete(namespace: string, path: string, expected: string): Promise<boolean>;
  countByCodeDigest(digest: string): Promise<number>;
}

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
  /** Everything of the record but its logs. */
  readonly document: JsonObject;
}

/** A record as it is written: its document is JSON already, so that a large one is not serialised again. */
export interface ActivationInsert extends Omit<ActivationRow, 'document'> {
  /** A JSON object: everything of the record but its response and its logs. */
  readonly documentJson: string;
  /** JSON: what a read gives as `response`; null when there is none. */
  readonly responseJson: string | null;
}

export interface ActivationQuery {
  readonly namespace: string;
  /** `name` matches unpackaged only; `package/name` exactly. */
  readonly path?: string;
  /** Inclusive, epoch milliseconds. */
  readonly since?: number;
  readonly upto?: number;
  /** Leaves `response` out of the documents, so that a page of large results costs nothing. */
  readonly brief?: boolean;
  readonly skip: number;
  readonly limit: number;
}

/** A record to be kept, and the accepted invocation that it settles, in one transaction. */
export interface ActivationWrite {
  readonly row: ActivationInsert;
  readonly logs: readonly string[];
  /**
   * The attempt of the accepted row that this record settles: what `claim` was called with, plus one (0 when it
   * was never claimed). The accepted row is deleted; when its attempt is another by now, or it is gone, the whole
   * write is ignored. `null`: the invocation never was in the accepted queue.
   */
  readonly settles: number | null;
}

export interface ActivationStore {
  /**
   * Kept in memory, written in batches; the promise settles when it is on disk. Reads see it at once. Rejects with
   * STORE_DUPLICATE or STORE_NO_NAMESPACE for that record alone, never for its neighbours in the batch.
   */
  append(write: ActivationWrite): Promise<unknown>;
  /**
   * Undefined while there is memory for more records, else settles when the disk has caught up. To be awaited before
   * starting work that ends in an `append` which nobody awaits; it is what bounds the memory.
   */
  room(): Promise<void> | undefined;
  get(namespace: string, activationId: string): Promise<ActivationRow | undefined>;
  logs(namespace: string, activationId: string): Promise<readonly string[] | undefined>;
  /** Newest first. */
  list(query: ActivationQuery): Promise<readonly ActivationRow[]>;
  count(query: Omit<ActivationQuery, 'skip' | 'limit' | 'brief'>): Promise<number>;
  /** Everything appended so far is on disk. */
  flush(): Promise<void>;
}

/** An invocation that was accepted with a 202 and has no record yet. */
export interface AcceptedRow {
  readonly activationId: string;
  readonly namespace: string;
  readonly acceptedAt: number;
  /** How often it was claimed: 0 never. The fencing token: a completion of an older attempt is ignored. */
  readonly attempt: number;
  readonly job: JsonValue;
}

export interface AcceptedQueue {
  /** Durable when it settles (batched with its neighbours in one transaction). */
  accept(row: Omit<AcceptedRow, 'attempt'>): Promise<void>;
  /**
   * Marks it as started, which makes its attempt `attempt + 1`; false when it is gone or its attempt is not `attempt`.
   * Durable when it settles.
   */
  claim(activationId: string, attempt: number): Promise<boolean>;
  /** What an earlier run left: oldest first. */
  pending(limit: number): Promise<readonly AcceptedRow[]>;
}

export interface NamespaceRow {
  readonly name: string;
  /** The public half of the key, a UUID. */
  readonly keyId: string;
  /** SHA-256 of the secret half, hex. */
  readonly keyHash: string;
  readonly limits: JsonObject;
  readonly createdAt: number;
}

export interface NamespaceStore {
  byName(name: string): Promise<NamespaceRow | undefined>;
  byKeyId(keyId: string): Promise<NamespaceRow | undefined>;
  list(): Promise<readonly NamespaceRow[]>;
  /** False when the name is taken. */
  create(row: NamespaceRow): Promise<boolean>;
  update(row: NamespaceRow): Promise<boolean>;
  /** Deletes the namespace with all its entities and activations. */
  delete(name: string): Promise<boolean>;
}

export interface Store extends AsyncDisposable {
  readonly entities: EntityStore;
  readonly activations: ActivationStore;
  readonly accepted: AcceptedQueue;
  readonly namespaces: NamespaceStore;
  /** Grows whenever another process wrote to the database: a cue to drop caches. */
  foreignWrites(): Promise<number>;
  /** Writes what is pending and closes. */
  close(): Promise<void>;
}
