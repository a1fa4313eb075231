import type { Collection } from './entities.ts';

/** Tables and collections whose rows servers keep in their caches. */
export const changeKinds = [
  'namespaces',
  'keys',
  'apis',
  'actions',
  'triggers',
  'rules',
  'packages',
] as const satisfies readonly (Collection | 'namespaces' | 'keys' | 'apis')[];

export type ChangeKind = (typeof changeKinds)[number];

/** A row of this kind was created, changed or deleted. */
export interface Change {
  readonly kind: ChangeKind;
  readonly namespace: string;
  /** Path of an entity, id of a key, base path of an API; empty for a namespace. */
  readonly path: string;
}

export interface ChangesSince {
  /** Where to go on. Valid in this store only, until it is closed. */
  readonly position: string;
  /** Undefined if they are not known any more, or are too many: everything can have changed. */
  readonly changes: readonly Change[] | undefined;
}

/**
 * What was changed, by any process: written in the same transactions, whatever writes. Records, accepted calls,
 * feeds, deliveries and counters are not in it.
 */
export interface ChangeStore {
  /**
   * The changes that were committed after this position was read. Each is there once, whatever the order in which
   * transactions began.
   * @param position absent: only tells the present position
   */
  since(position?: string): Promise<ChangesSince>;
  /** Deletes changes that are older than this, in small steps. Returns how many. */
  prune(keepMs: number): Promise<number>;
}
