import type { JsonValue } from '../../lib/index.ts';

/** An invocation that was accepted with a 202 and has no record yet. */
export interface AcceptedRow {
  readonly activationId: string;
  readonly namespace: string;
  readonly acceptedAt: number;
  /** Number of claims; 0: never claimed. The fencing token: a completion of an older attempt is ignored. */
  readonly attempt: number;
  /** The node that has accepted or adopted it; empty when it has no owner. */
  readonly owner: string;
  readonly job: JsonValue;
}

/** A call that a node has just adopted. */
export interface AdoptedRow extends AcceptedRow {
  /** The node that had it has released it. False: the lease of that node has ended. */
  readonly wasReleased: boolean;
}

export interface AcceptedInsert extends Omit<AcceptedRow, 'attempt'> {
  /** Digest of the code that it needs, which must exist until it ends. */
  readonly codeDigest: string | null;
}

/** All accepted calls of all nodes. */
export interface AcceptedCounts {
  /** Calls that no node has begun. */
  readonly waiting: number;
  readonly begun: number;
  /** Age of the oldest one that waits, in milliseconds by the database's clock. Null: none waits. */
  readonly oldestWaitingMs: number | null;
}

/** The same of one namespace that has some. */
export interface NamespaceAcceptedCounts extends AcceptedCounts {
  readonly namespace: string;
}

/** A server's hold on everything that it owns in the queue. It ends by the database's clock. */
export interface NodeLease {
  /** New at each start of a server; not empty. */
  readonly node: string;
  readonly leaseMs: number;
}

/**
 * Accepted calls, each with an owner. While a node's lease runs, no other node touches what it owns; after the lease
 * has ended, any node can adopt it.
 */
export interface AcceptedQueue {
  /**
   * Durable when it settles (batched with its neighbours in one transaction). Its owner's lease should run: otherwise
   * others can adopt it.
   * @param attempt 1 for a call that has already begun; 0 by default
   * @throws Fault; then the call is not in the queue, or leaves it once the database answers again
   */
  accept(row: AcceptedInsert, attempt?: number): Promise<void>;
  /**
   * Marks it as started, which makes its attempt `attempt + 1`; false when it no longer exists, its attempt is not
   * `attempt`, or another node has adopted it. Durable when it settles.
   */
  claim(activationId: string, attempt: number, node: string): Promise<boolean>;
  /** Renews the lease for `leaseMs`. False when it had ended, so that others may have adopted the node's calls. */
  extend(lease: NodeLease): Promise<boolean>;
  /** Ends the leases of all other nodes, for a node that knows that no other server works on this database. */
  endOtherLeases(node: string): Promise<void>;
  /** Ends the node's lease. */
  leave(node: string): Promise<void>;
  /**
   * Makes the node the owner of at most `max` calls that no other node with a running lease owns. Oldest first.
   * @param except those that it leaves alone
   */
  adopt(node: string, max: number, except?: readonly string[]): Promise<readonly AdoptedRow[]>;
  /** Releases it, so that any node can adopt it. Ignored when the node does not own it. */
  release(activationId: string, node: string): Promise<void>;
  /** Ends it without a record. Ignored when it no longer exists or has another attempt by now. */
  settle(activationId: string, attempt: number): Promise<void>;
  get(namespace: string, activationId: string): Promise<AcceptedRow | undefined>;
  /** Calls of all owners, oldest first. */
  ofNamespace(namespace: string, limit: number): Promise<readonly AcceptedRow[]>;
  /** Calls of all owners; for each owner, oldest first. */
  pending(limit: number): Promise<readonly AcceptedRow[]>;
  /** Of what is durable. Waits for no write, so that it answers while the disk takes none. */
  counts(): Promise<AcceptedCounts>;
  /** The same, by the name of the namespace. */
  countsByNamespace(): Promise<readonly NamespaceAcceptedCounts[]>;
  /** Whether the lease of some node runs. */
  isServed(): Promise<boolean>;
  /** Whether some call needs this code. */
  needsCode(digest: string): Promise<boolean>;
}
