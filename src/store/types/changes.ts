import type { Collection } from './entities.ts';

/** Tables and collections whose rows servers have in their caches, and `sessions`, of which only ends are changes. */
export const changeKinds = [
  'namespaces',
  'keys',
  'sessions',
  'apis',
  'domains',
  'gate',
  'evidence',
  'actions',
  'triggers',
  'rules',
  'packages',
] as const satisfies readonly (
  | Collection
  | 'namespaces'
  | 'keys'
  | 'sessions'
  | 'apis'
  | 'domains'
  | 'gate'
  | 'evidence'
)[];

export type ChangeKind = (typeof changeKinds)[number];

/** A row of this kind was created, changed or deleted. */
export interface Change {
  readonly kind: ChangeKind;
  readonly namespace: string;
  /**
   * Path of an entity, id of a key, hash of a session's token, base path of an API, name of a domain, table of the gate, digest of
   * an image; empty for a namespace.
   */
  readonly path: string;
}

export interface ChangesSince {
  /** Where to go on. Valid in this store only, until it is closed. */
  readonly position: string;
  /** Undefined if some were deleted, or if there are too many: then everything can have changed. */
  readonly changes: readonly Change[] | undefined;
}

/**
 * What any process has changed. Each change is written in the transaction of its cause. Records, accepted calls, feeds,
 * deliveries and counters are not in it.
 */
export interface ChangeStore {
  /**
   * The changes that were committed after this position was read. Each comes once, even if transactions commit in
   * another order than they began.
   * @param position absent: only tells the present position
   */
  since(position?: string): Promise<ChangesSince>;
  /** Deletes changes that are older than this, in small steps. Returns how many. */
  prune(keepMs: number): Promise<number>;
}
