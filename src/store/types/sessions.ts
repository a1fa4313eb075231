/** `key`: of a namespace's key. `operator`: of an operator. `login`: permits one operator's session. */
export type SessionKind = 'key' | 'operator' | 'login';

export interface NewSessionRow {
  /** The store never sees the token. */
  readonly tokenHash: string;
  readonly kind: SessionKind;
  /** Null unless the kind is `key`. */
  readonly keyId: string | null;
  /** It ends after this time, however much it is used. */
  readonly lifeMs: number;
}

export interface SessionRow extends Pick<NewSessionRow, 'kind' | 'keyId'> {
  /** Time that is left. */
  readonly leftMs: number;
}

/** Sessions of browsers. All times are by the database's clock, so that several servers agree. */
export interface SessionStore {
  /** Deletes those that have ended, and some of the oldest beyond 10,000. */
  create(row: NewSessionRow): Promise<void>;
  /** Counts as a use. Undefined when it has ended, or was idle for longer than `idleMs`. */
  use(tokenHash: string, kind: SessionKind, idleMs: number): Promise<SessionRow | undefined>;
  /** Ends it. False when it had ended; of several callers, one gets true. */
  end(tokenHash: string, kind: SessionKind): Promise<boolean>;
}
