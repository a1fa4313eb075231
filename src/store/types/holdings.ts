/** Code that a row refers to. */
export interface HeldCode {
  readonly digest: string;
  readonly bytes: number;
}

/** Limits of a write. */
export interface WriteBound {
  /**
   * Limit of entities and code of the namespace together. A write that makes neither larger always passes. One that
   * does not fit removes the earlier code of the namespace, if it then fits.
   */
  readonly maxBytes: number;
  /** Of the row that is written. */
  readonly code?: HeldCode | undefined;
}

/** Bytes that a namespace has on disk. A row counts as its texts plus a kibibyte. */
export interface Holdings {
  /** Of entities, feeds, deliveries and APIs. */
  readonly entityBytes: number;
  /** With earlier code. Each code once; a small one as a block of the file system. */
  readonly codeBytes: number;
  /** Records of activations. */
  readonly records: number;
  /** With their logs and inputs. */
  readonly recordBytes: number;
}

/** Counters that change in the same transactions as their data: correct however the process ended. */
export interface HoldingStore {
  /** Undefined when the namespace does not exist. */
  get(namespace: string): Promise<Holdings | undefined>;
  /** Digests of code of unknown size, from a database of an older Ward. They count nothing. */
  unmeasuredCode(): Promise<readonly string[]>;
  /** Sets its size. */
  measureCode(code: HeldCode): Promise<void>;
}
