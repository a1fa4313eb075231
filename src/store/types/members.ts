/** A node that has joined the cluster. Removed ones stay, so that they are told so. */
export interface MemberRow {
  readonly name: string;
  /** What the node does; rooms above know its meaning. */
  readonly role: string;
  /** Identifies its key pair. */
  readonly key: string;
  readonly joinedAt: number;
  /** End of its latest certificate. All times are the database's, in epoch milliseconds. */
  readonly expiresAt: number;
  /** Null: it was not removed. */
  readonly removedAt: number | null;
}

/** Permission to join, for one node or for several. */
export interface JoinTokenRow {
  /** Its public half: a reader of the database can't join with it. */
  readonly key: string;
  readonly role: string;
  /** The only name that the node may take; null: any. One for one node gets its name. */
  readonly name: string | null;
  /** How many nodes may join with it, and how many have. */
  readonly uses: number;
  readonly used: number;
  readonly expiresAt: number;
  /** Key of the node that has joined with it, if it is for one node. */
  readonly usedBy: string | null;
}

export interface JoinTokenInsert extends Pick<JoinTokenRow, 'key' | 'role' | 'name' | 'uses'> {
  readonly lifeMs: number;
}

/** The database's view of a token. */
export interface KnownToken extends JoinTokenRow {
  readonly isExpired: boolean;
}

export interface Joining extends Pick<MemberRow, 'name' | 'role' | 'key'> {
  /** Key of the token. */
  readonly token: string;
  /** Life of its certificate. */
  readonly lifeMs: number;
}

export interface MemberStore {
  /** Returns when it expires. Removes tokens that expired a day ago. @throws Fault STORE_DUPLICATE */
  addToken(row: JoinTokenInsert): Promise<number>;
  token(key: string): Promise<KnownToken | undefined>;
  /** Neither used up nor expired, by expiry. */
  openTokens(): Promise<readonly JoinTokenRow[]>;
  /** False when there is none with this key. */
  revokeToken(key: string): Promise<boolean>;
  /**
   * Uses the token and records the node, both or neither. The same node may repeat it until the token expires, because
   * it may not have got the answer. Undefined when the token is unknown, expired, for another role or name, or used up
   * by others, and when the node repeats it while it is removed.
   * @throws Fault STORE_DUPLICATE when another key has that name and was not removed
   */
  join(joining: Joining): Promise<MemberRow | undefined>;
  /**
   * Records a further certificate. Undefined when no such node is in the cluster: removed, or with another role or
   * key.
   */
  renew(
    node: Pick<MemberRow, 'name' | 'role' | 'key'> & { readonly lifeMs: number },
  ): Promise<MemberRow | undefined>;
  get(name: string): Promise<MemberRow | undefined>;
  /** By name, removed ones too. */
  list(): Promise<readonly MemberRow[]>;
  /**
   * Removes the node and the tokens that it has used, as it knows them. Returns those with which others could still have
   * joined; undefined when the node is not in the cluster.
   */
  remove(name: string): Promise<readonly JoinTokenRow[] | undefined>;
  /** The database's clock, in epoch milliseconds. */
  now(): Promise<number>;
}
