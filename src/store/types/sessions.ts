/**
 * `key`: of a namespace's key. `operator`: of an operator. `login`: permits one operator's session. `choice`: permits a
 * person who has logged in at an issuer to choose a namespace once.
 */
export type SessionKind = 'key' | 'operator' | 'login' | 'choice';

export interface NewSessionRow {
  /** The store never sees the token. */
  readonly tokenHash: string;
  readonly kind: SessionKind;
  /** Null unless the kind is `key`. */
  readonly keyId: string | null;
  /** It ends after this time, however much it is used. */
  readonly lifeMs: number;
  /** Whose login at an issuer it is from. Absent: of nobody's. */
  readonly login?: SessionLogin | undefined;
}

export interface SessionLogin {
  /** As in the keys of the person's logins. */
  readonly person: string;
  /** For the audit log. */
  readonly name: string;
  /** What there is to choose from; only of the kind `choice`. Rooms above know its form. */
  readonly offer: string | null;
}

export interface SessionRow extends Pick<NewSessionRow, 'kind' | 'keyId'> {
  readonly login: SessionLogin | undefined;
  /** Time that is left. */
  readonly leftMs: number;
}

/** Sessions of browsers. All times are by the database's clock, so that several servers agree. */
export interface SessionStore {
  /**
   * Deletes those that have ended, and the oldest beyond 50 of the same owner and beyond 500 of the same namespace. When all
   * keys have 10,000, it deletes the oldest of the namespace that has most.
   */
  create(row: NewSessionRow): Promise<void>;
  /** Counts as a use. Undefined when it has ended, or was idle for longer than `idleMs`. */
  use(tokenHash: string, kind: SessionKind, idleMs: number): Promise<SessionRow | undefined>;
  /** Ends it. Undefined when it had ended; of several callers, one gets the row. */
  end(tokenHash: string, kind: SessionKind): Promise<Omit<SessionRow, 'leftMs'> | undefined>;
}
