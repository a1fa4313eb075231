/** A violation of its policy by a sandbox. */
export interface ViolationRow {
  /** Namespace of the sandbox. */
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
  /** Undefined: of all namespaces. */
  readonly namespace?: string | undefined;
  readonly kind?: string | undefined;
  /** Inclusive, epoch milliseconds. */
  readonly since?: number | undefined;
  readonly skip: number;
  readonly limit: number;
}

/** Of each namespace, the newest. */
export const violationsKept = 1000;

export interface ViolationStore {
  /** Settles when it is on disk. The newest of each namespace are kept. Rejects with STORE_NO_NAMESPACE. */
  add(row: ViolationRow): Promise<void>;
  /** The latest added one comes first. */
  list(query: ViolationQuery): Promise<readonly ViolationRow[]>;
  count(query: Omit<ViolationQuery, 'skip' | 'limit'>): Promise<number>;
}
