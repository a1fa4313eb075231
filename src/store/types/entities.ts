import type { JsonObject } from '../../lib/index.ts';
import type { WriteBound } from './holdings.ts';

export type Collection = 'actions' | 'triggers' | 'rules' | 'packages';

/** One entity. All collections of a namespace share one name space, as in OpenWhisk. */
export interface EntityRow {
  readonly namespace: string;
  /** `name` or `package/name`. */
  readonly path: string;
  readonly collection: Collection;
  /** Random, new with each write; the optimistic lock. */
  readonly revision: string;
  /** Epoch milliseconds. */
  readonly updatedAt: number;
  /** Digest of its code blob, if any. */
  readonly codeDigest: string | null;
  /** Full name (`ns/[pkg/]name`) of its target: a rule's trigger, a binding's package. */
  readonly link: string | null;
  /** Visible to other namespaces. */
  readonly shared: boolean;
  readonly document: JsonObject;
}

/** The code that the last change of an action's code replaced. */
export interface EarlierCode {
  readonly digest: string;
  /** What else was replaced with it. */
  readonly document: JsonObject;
}

export interface EntityQuery {
  readonly namespace: string;
  readonly collection: Collection;
  /** A package's name: only entities in it. */
  readonly package?: string;
  /** Only entities that point to this one. */
  readonly link?: string;
  /** Only entities that other namespaces may see. */
  readonly shared?: true;
  /** Only entities with this text in their path, with letters of either case. */
  readonly pathContains?: string;
  readonly skip: number;
  readonly limit: number;
}

export interface EntityStore {
  get(namespace: string, path: string): Promise<EntityRow | undefined>;
  /** Newest first. */
  list(query: EntityQuery): Promise<readonly EntityRow[]>;
  count(query: Omit<EntityQuery, 'skip' | 'limit'>): Promise<number>;
  /**
   * Inserts (`expected: null`) or replaces the row of revision `expected`. False when another write won.
   * @param earlier the code that the write replaces. It takes the place of earlier code; if the bound has no room for
   * it, it is not kept
   * @throws Fault STORE_QUOTA
   */
  put(row: EntityRow, expected: string | null, bound?: WriteBound, earlier?: EarlierCode): Promise<boolean>;
  /** False when the revision is no longer `expected`. */
  delete(namespace: string, path: string, expected: string): Promise<boolean>;
  /**
   * Deletes a package of revision `expected` and everything in it, in one transaction, and returns its content.
   * Undefined when the revision is no longer `expected`.
   */
  deleteTree(namespace: string, path: string, expected: string): Promise<readonly EntityRow[] | undefined>;
  /** How many actions have this code, now or as their earlier code. */
  countByCodeDigest(digest: string): Promise<number>;
  /** The code of all actions after this digest, in the order of the digests. Earlier code may be missing, and is not among it. */
  codeAfter(digest: string, limit: number): Promise<readonly string[]>;
  /** `namespace/path` of up to five actions that have this code now. */
  actionsWithCode(digest: string): Promise<readonly string[]>;
  earlierCode(namespace: string, path: string): Promise<EarlierCode | undefined>;
  /** Of all actions of the namespace, or of one of its packages. */
  earlierDigests(namespace: string, inPackage?: string): Promise<readonly string[]>;
}
