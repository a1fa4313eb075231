/** Durable state, by concept. The store keeps documents; what they mean is known above. */
import type { Fault, JsonObject, JsonValue } from '../lib/index.ts';
import type { LongText } from './batch.ts';

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
  /** Full name (`ns/[pkg/]name`) of the entity that it points to: a rule's trigger, a binding's package. */
  readonly link: string | null;
  /** Visible to other namespaces. */
  readonly shared: boolean;
  readonly document: JsonObject;
}

export interface EntityQuery {
  readonly namespace: string;
  readonly collection: Collection;
  /** A package's name: only what is in it. */
  readonly package?: string;
  /** Only what points to this entity. */
  readonly link?: string;
  /** Only what other namespaces may see. */
  readonly shared?: true;
  readonly skip: number;
  readonly limit: number;
}

/** Code that a row names. */
export interface HeldCode {
  readonly digest: string;
  readonly bytes: number;
}

/** What a write must not go past. */
export interface WriteBound {
  /** Of entities and code of the namespace together. A write that makes neither larger is always let through. */
  readonly maxBytes: number;
  /** Of the row that is written. */
  readonly code?: HeldCode | undefined;
}

/** Bytes that a namespace has on disk. A row counts as its texts and a kibibyte. */
export interface Holdings {
  /** Of entities, feeds, deliveries and APIs. */
  readonly entityBytes: number;
  /** Each code once; a small one as a block of the file system. */
  readonly codeBytes: number;
  /** Records of activations. */
  readonly records: number;
  /** With their logs and inputs. */
  readonly recordBytes: number;
}

/** Counters that change in the same transactions as their data: right no matter how the process ended. */
export interface HoldingStore {
  /** Undefined when there is no such namespace. */
  get(namespace: string): Promise<Holdings | undefined>;
  /** Digests of code whose size is not known, as a database of an older Ward has them. They count nothing. */
  unmeasuredCode(): Promise<readonly string[]>;
  /** Says how large it is. */
  measureCode(code: HeldCode): Promise<void>;
}

export interface EntityStore {
  get(namespace: string, path: string): Promise<EntityRow | undefined>;
  /** Newest first. */
  list(query: EntityQuery): Promise<readonly EntityRow[]>;
  count(query: Omit<EntityQuery, 'skip' | 'limit'>): Promise<number>;
  /**
   * Inserts (`expected: null`) or replaces the row of revision `expected`. False when another write won.
   * @throws Fault STORE_QUOTA
   */
  put(row: EntityRow, expected: string | null, bound?: WriteBound): Promise<boolean>;
  /** False when the revision is no longer `expected`. */
  delete(namespace: string, path: string, expected: string): Promise<boolean>;
  /**
   * Deletes a package of revision `expected` with all that is in it, in one transaction, and gives what was in it.
   * Undefined when the revision is no longer `expected`.
   */
  deleteTree(namespace: string, path: string, expected: string): Promise<readonly EntityRow[] | undefined>;
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
  readonly responseJson: string | LongText | null;
}

export interface ActivationFilter {
  readonly namespace: string;
  /** `name` matches unpackaged only; `package/name` exactly. */
  readonly path?: string;
  /** Inclusive, epoch milliseconds. */
  readonly since?: number;
  readonly upto?: number;
}

export interface ActivationQuery extends ActivationFilter {
  /** Leaves `response` out of the documents, so that a page of large results costs nothing. */
  readonly brief?: boolean;
  readonly skip: number;
  readonly limit: number;
}

/** A record to be kept, and the accepted invocation that it settles, in one transaction. */
export interface ActivationWrite {
  readonly row: ActivationInsert;
  /** Its lines; of a long one, an array of them as JSON. */
  readonly logs: readonly string[] | LongText;
  /** JSON: what the activation was called with, where that is to be kept. */
  readonly inputJson?: string;
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
   * STORE_DUPLICATE or STORE_NO_NAMESPACE for that record alone, never for its neighbours in the batch. While the disk
   * takes nothing it waits; when too much does, it is rejected with STORE_BACKLOG. A small one that settles is not.
   */
  append(write: ActivationWrite): Promise<unknown>;
  /**
   * Undefined while there is memory for more records, else settles when the disk has caught up. To be awaited before
   * starting work that ends in an `append` which nobody awaits; it is what bounds the memory.
   */
  room(): Promise<void> | undefined;
  get(namespace: string, activationId: string): Promise<ActivationRow | undefined>;
  logs(namespace: string, activationId: string): Promise<readonly string[] | undefined>;
  /** What it was called with, if that was kept. */
  input(namespace: string, activationId: string): Promise<JsonValue | undefined>;
  /** Newest first. */
  list(query: ActivationQuery): Promise<readonly ActivationRow[]>;
  count(query: Omit<ActivationQuery, 'skip' | 'limit' | 'brief'>): Promise<number>;
  /** Everything appended so far is on disk. */
  flush(): Promise<void>;
  /**
   * Deletes a namespace's oldest records, with their logs and inputs, and says how many: `max` at most, and fewer when
   * they are large, so that a call does not hold up the others. To be called again until it gives 0.
   */
  prune(rule: PruneRule): Promise<number>;
  /**
   * Deletes a namespace's oldest records while all of them are larger than they may be, in steps as `prune`. To be
   * called again until it deletes nothing.
   */
  evict(rule: EvictRule): Promise<Evicted>;
}

/** What goes: the oldest records, until those that are left are small enough. */
export interface EvictRule {
  readonly namespace: string;
  readonly keepBytes: number;
  /** Records that ended later stay; epoch milliseconds. */
  readonly endedBefore: number;
  readonly max: number;
}

export interface Evicted {
  readonly records: number;
  /** What is left. */
  readonly heldBytes: number;
}

/** What goes: each record that one of `before` and `keep` names; nothing when there is neither. */
export interface PruneRule {
  readonly namespace: string;
  /** Records that started before this go; epoch milliseconds. */
  readonly before?: number;
  /** Records past this many newest ones go. */
  readonly keep?: number;
  /** From 1 on. 250 take about ten milliseconds of the store's time, among millions. */
  readonly max: number;
}

/** An invocation that was accepted with a 202 and has no record yet. */
export interface AcceptedRow {
  readonly activationId: string;
  readonly namespace: string;
  readonly acceptedAt: number;
  /** How often it was claimed: 0 never. The fencing token: a completion of an older attempt is ignored. */
  readonly attempt: number;
  /** The node that has accepted or adopted it; empty: none. */
  readonly owner: string;
  readonly job: JsonValue;
}

export interface AcceptedInsert extends Omit<AcceptedRow, 'attempt'> {
  /** Of the code that it needs, which is to stay until it ends. */
  readonly codeDigest: string | null;
}

/** A server's hold on all that it owns in the queue. It ends by the database's clock. */
export interface NodeLease {
  /** New at each start of a server; not empty. */
  readonly node: string;
  readonly leaseMs: number;
}

/**
 * Calls that were accepted, each with an owner. While a node's lease runs, no other node touches what it owns; when the
 * lease has ended, any node may adopt it.
 */
export interface AcceptedQueue {
  /**
   * Durable when it settles (batched with its neighbours in one transaction). Its owner's lease should run: others may
   * adopt it otherwise.
   * @param attempt 1 for one that has begun already; 0 by default
   */
  accept(row: AcceptedInsert, attempt?: number): Promise<void>;
  /**
   * Marks it as started, which makes its attempt `attempt + 1`; false when it is gone, its attempt is not `attempt`, or
   * another node has adopted it. Durable when it settles.
   */
  claim(activationId: string, attempt: number, node: string): Promise<boolean>;
  /** The lease runs for `leaseMs` from now on. False: it did not run before, so others may have adopted what was the node's. */
  extend(lease: NodeLease): Promise<boolean>;
  /** Ends the leases of all other nodes: for one that knows that no other server works on this database. */
  endOtherLeases(node: string): Promise<void>;
  /** Ends the node's lease. */
  leave(node: string): Promise<void>;
  /** Makes the node the owner of calls that no other node with a running lease owns, `max` at most. Oldest first. */
  adopt(node: string, max: number): Promise<readonly AcceptedRow[]>;
  /** From now on any node may adopt it. Ignored when the node does not own it. */
  release(activationId: string, node: string): Promise<void>;
  /** Ends it without a record. Ignored when it is gone or its attempt is another by now. */
  settle(activationId: string, attempt: number): Promise<void>;
  get(namespace: string, activationId: string): Promise<AcceptedRow | undefined>;
  /** Of all owners; of each, oldest first. */
  pending(limit: number): Promise<readonly AcceptedRow[]>;
  /** Some call needs this code. */
  needsCode(digest: string): Promise<boolean>;
}

export interface NamespaceRow {
  readonly name: string;
  /** The public half of the key, a UUID. */
  readonly keyId: string;
  /** SHA-256 of the secret half, hex. */
  readonly keyHash: string;
  readonly limits: JsonObject;
  /** What its owner has set for it as a whole. */
  readonly settings: JsonObject;
  readonly createdAt: number;
}

export interface NamespacePage {
  readonly skip: number;
  readonly limit: number;
}

/** The holdings of a namespace, and its last use. */
export interface NamespaceUsage extends Holdings {
  readonly name: string;
  readonly actions: number;
  /** Start of its newest activation that a record was kept of, whether it is there still; null: there was none. */
  readonly lastUsedAt: number | null;
}

export interface NamespaceStore {
  byName(name: string): Promise<NamespaceRow | undefined>;
  byKeyId(keyId: string): Promise<NamespaceRow | undefined>;
  list(): Promise<readonly NamespaceRow[]>;
  count(): Promise<number>;
  /** By name. */
  usage(page: NamespacePage): Promise<readonly NamespaceUsage[]>;
  /** False when the name is taken, or the key's id: by a namespace or by a further key. */
  create(row: NamespaceRow): Promise<boolean>;
  /** False when there is none. @throws Fault STORE_DUPLICATE when the key's id is taken */
  update(row: NamespaceRow): Promise<boolean>;
  /** Deletes the namespace with all that is in it. */
  delete(name: string): Promise<boolean>;
}

/** A further key of a namespace, which may do less than its first one. */
export interface KeyRow {
  /** The public half, a UUID, unlike that of any other key, first ones of namespaces included. */
  readonly keyId: string;
  readonly namespace: string;
  /** SHA-256 of the secret half, hex. */
  readonly keyHash: string;
  /** What it may do; known above. */
  readonly scope: string;
  readonly label: string;
  readonly createdAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number | null;
}

export interface KeyStore {
  byId(keyId: string): Promise<KeyRow | undefined>;
  /** Oldest first. */
  list(namespace: string): Promise<readonly KeyRow[]>;
  /** @throws Fault STORE_NO_NAMESPACE, STORE_DUPLICATE */
  create(row: KeyRow): Promise<void>;
  /** False when there is none. */
  delete(namespace: string, keyId: string): Promise<boolean>;
}

/** An event source that fires a trigger: state of a built-in feed provider. */
export interface FeedRow {
  readonly namespace: string;
  /** Name of the trigger; a trigger has one feed at most. */
  readonly trigger: string;
  /** `alarms/interval`, … */
  readonly provider: string;
  /** Random, new with each write; the optimistic lock. */
  readonly revision: string;
  /** By which a provider finds it from outside, unlike that of any other feed. */
  readonly token: string | null;
  /** When it is to be looked at next; epoch milliseconds. */
  readonly dueAt: number | null;
  readonly document: JsonObject;
}

/** Writes are batched, and durable when they settle; a read sees what has settled. */
/** In the order of `waiting`. */
export type FeedPlace = Pick<FeedRow, 'namespace' | 'trigger'>;

export interface FeedStore {
  get(namespace: string, trigger: string): Promise<FeedRow | undefined>;
  byToken(token: string): Promise<FeedRow | undefined>;
  /**
   * Inserts (`expected: null`) or replaces the row of revision `expected`. False when another write won.
   * @throws Fault STORE_NO_NAMESPACE, STORE_DUPLICATE when the token is taken
   */
  put(row: FeedRow, expected: string | null): Promise<boolean>;
  delete(namespace: string, trigger: string): Promise<boolean>;
  /** Of a namespace. */
  count(namespace: string): Promise<number>;
  /** Due at `now` or before: earliest first. */
  due(now: number, limit: number): Promise<readonly FeedRow[]>;
  /** Those with a `dueAt`, by namespace and trigger; with `after`, what comes after that place. */
  waiting(limit: number, after?: FeedPlace): Promise<readonly FeedRow[]>;
  /** The earliest `dueAt` of all. */
  nextDue(): Promise<number | undefined>;
}

/** A rule's call of its action that is to be tried again, or was given up. */
export interface DeliveryRow {
  readonly id: string;
  readonly namespace: string;
  /** Name of the rule. */
  readonly rule: string;
  readonly state: 'waiting' | 'dead';
  /** Tries so far. */
  readonly attempt: number;
  readonly createdAt: number;
  /** When a waiting one is tried next, when a dead one was given up; epoch milliseconds. */
  readonly dueAt: number;
  readonly document: JsonObject;
}

export interface DeliveryQuery {
  readonly namespace: string;
  readonly rule?: string;
  readonly skip: number;
  readonly limit: number;
}

/** Writes are batched, and durable when they settle; a read sees what has settled. */
export interface DeliveryStore {
  /** @throws Fault STORE_NO_NAMESPACE, STORE_DUPLICATE */
  add(row: DeliveryRow): Promise<void>;
  get(namespace: string, id: string): Promise<DeliveryRow | undefined>;
  /** Replaces the row if its attempt is still `expectedAttempt`. */
  update(row: DeliveryRow, expectedAttempt: number): Promise<boolean>;
  delete(namespace: string, id: string): Promise<boolean>;
  /** Waiting ones due at `now` or before: earliest first. */
  due(now: number, limit: number): Promise<readonly DeliveryRow[]>;
  /** The earliest `dueAt` of all waiting ones. */
  nextDue(): Promise<number | undefined>;
  /** Dead ones of a namespace, newest first. */
  dead(query: DeliveryQuery): Promise<readonly DeliveryRow[]>;
  countDead(namespace: string, rule?: string): Promise<number>;
}

/** An API of the gateway: what is served below one base path of a namespace. */
export interface ApiRow {
  readonly namespace: string;
  /** With its leading slash. */
  readonly basePath: string;
  readonly revision: string;
  readonly updatedAt: number;
  readonly document: JsonObject;
}

export interface ApiStore {
  get(namespace: string, basePath: string): Promise<ApiRow | undefined>;
  /** By base path. */
  list(namespace: string): Promise<readonly ApiRow[]>;
  /**
   * Inserts (`expected: null`) or replaces the row of revision `expected`. False when another write won.
   * @throws Fault STORE_NO_NAMESPACE, STORE_QUOTA
   */
  put(row: ApiRow, expected: string | null, bound?: WriteBound): Promise<boolean>;
  delete(namespace: string, basePath: string): Promise<boolean>;
}

/** What a sandbox did that its policy does not let it. */
export interface ViolationRow {
  /** Whose sandbox it was. */
  readonly namespace: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly kind: string;
  readonly detail: string;
  /** Full name, if it is known. */
  readonly action: string | null;
  readonly activationId: string | null;
}

export interface ViolationQuery {
  /** Of all namespaces when there is none. */
  readonly namespace?: string | undefined;
  readonly kind?: string | undefined;
  /** Inclusive, epoch milliseconds. */
  readonly since?: number | undefined;
  readonly skip: number;
  readonly limit: number;
}

export interface ViolationStore {
  /** Settles when it is on disk. Of each namespace the newest thousand are kept. Rejects with STORE_NO_NAMESPACE. */
  add(row: ViolationRow): Promise<void>;
  /** The one that was added last comes first. */
  list(query: ViolationQuery): Promise<readonly ViolationRow[]>;
  count(query: Omit<ViolationQuery, 'skip' | 'limit'>): Promise<number>;
}

/** Whether what was appended reaches the disk. */
export interface Recording {
  /** Undefined while it does: from the first write that succeeds to the first that fails. Every call asks. */
  trouble(): RecordingTrouble | undefined;
  /** Writes that wait in memory. */
  waiting(): number;
}

export interface RecordingTrouble {
  /** Epoch milliseconds. */
  readonly since: number;
  /** Of the latest try. */
  readonly fault: Fault;
}

export interface Store extends AsyncDisposable {
  readonly entities: EntityStore;
  readonly keys: KeyStore;
  readonly feeds: FeedStore;
  readonly deliveries: DeliveryStore;
  readonly apis: ApiStore;
  readonly violations: ViolationStore;
  readonly activations: ActivationStore;
  readonly accepted: AcceptedQueue;
  readonly namespaces: NamespaceStore;
  readonly holdings: HoldingStore;
  readonly recording: Recording;
  /** Grows whenever another process wrote to the database: a cue to drop caches. */
  foreignWrites(): Promise<number>;
  /** Writes what is pending and closes. */
  close(): Promise<void>;
}
