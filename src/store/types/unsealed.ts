import type { JsonObject } from '../../lib/index.ts';

/** A change, as its entry in the audit log names it. Who makes it is the current actor (`actAs`). */
export interface NotedChange {
  /** One word: `create-action`, `delete-key`. */
  readonly what: string;
  /** Full name of the thing. */
  readonly name: string;
  /** The namespace that may read the entry. Absent: only operators. */
  readonly namespace?: string | undefined;
  /** SHA-256 of what was stored, in its canonical form; absent when there was nothing. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly summary?: string | undefined;
}

/** An entry of the audit log that is not in its chain yet. */
export interface UnsealedEntry {
  readonly seq: number;
  /** Occurs once in the log, however often its sealing is repeated. */
  readonly id: string;
  readonly entry: JsonObject;
}

/**
 * Entries of the audit log, written in the transactions of the changes that they name: there is neither a change without
 * its entry nor an entry without its change. They wait here until they are in the log's chain.
 */
export interface UnsealedEntries {
  /** Oldest first. */
  read(limit: number): Promise<readonly UnsealedEntry[]>;
  /** Call it when they are in the chain, durably. */
  drop(entries: readonly Pick<UnsealedEntry, 'seq'>[]): Promise<void>;
  /** Notes a change that is made elsewhere than in this store. */
  add(change: NotedChange): Promise<void>;
}
