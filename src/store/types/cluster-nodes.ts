import type { JsonObject } from '../../lib/index.ts';

/** What a node of the cluster said of itself, as a server heard it. */
export interface HeardNodeRow {
  readonly name: string;
  readonly role: string;
  /** Of Ward. */
  readonly version: string;
  /** Rooms above know their meaning. */
  readonly figures: JsonObject;
}

/** The operator's last order to a node. */
export interface DrainOrderRow {
  readonly name: string;
  /** It takes no new work. */
  readonly isDrained: boolean;
  /** The database's time in epoch milliseconds. Each order to a node has a later one. */
  readonly at: number;
}

/** A node that a server has noted. */
export interface NotedNode extends Pick<HeardNodeRow, 'name' | 'role'> {
  /** Time since a server heard it, by the database's clock. */
  readonly ageMs: number;
}

export interface ClusterNodeRow extends HeardNodeRow, NotedNode {
  /** Null: it never had one. */
  readonly order: Omit<DrainOrderRow, 'name'> | null;
}

/** Nodes that servers have heard, for commands that run while no server does, and the operator's orders to them. */
export interface ClusterNodeStore {
  /**
   * Notes nodes that were heard. All servers of a cluster may do so: nodes that one of them noted less than `everyMs`
   * ago stay as they are. Beyond 2,000 nodes, it ignores new names. Returns those that were noted before.
   */
  note(
    heard: readonly (HeardNodeRow & { readonly ageMs: number })[],
    rule: { readonly everyMs: number },
  ): Promise<readonly NotedNode[]>;
  /** By name. */
  list(): Promise<readonly ClusterNodeRow[]>;
  get(name: string): Promise<ClusterNodeRow | undefined>;
  /** Drains a node, or ends that. Undefined when no server has heard it. */
  order(name: string, isDrained: boolean): Promise<DrainOrderRow | undefined>;
  /** All orders, also those that are carried out. */
  orders(): Promise<readonly DrainOrderRow[]>;
  /** False when there is no such node. */
  forget(name: string): Promise<boolean>;
  /** Forgets nodes that were silent for so long and are not drained. Returns how many. */
  prune(silentMs: number): Promise<number>;
}
