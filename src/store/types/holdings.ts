/** Code that a row names. */
export interface HeldCode {
  readonly digest: string;
  readonly bytes: number;
}

/** What a write must not go past. */
export interface WriteBound {
  /** Of entities and code of the namespace together. A write that makes neither larger is always let through. */
  readonly maxBytes: number;
  /** Of the row that is written. */
  readonly code?: HeldCode | undefined;
}

/** Bytes that a namespace has on disk. A row counts as its texts and a kibibyte. */
export interface Holdings {
  /** Of entities, feeds, deliveries and APIs. */
  readonly entityBytes: number;
  /** Each code once; a small one as a block of the file system. */
  readonly codeBytes: number;
  /** Records of activations. */
  readonly records: number;
  /** With their logs and inputs. */
  readonly recordBytes: number;
}

/** Counters that change in the same transactions as their data: right no matter how the process ended. */
export interface HoldingStore {
  /** Undefined when there is no such namespace. */
  get(namespace: string): Promise<Holdings | undefined>;
  /** Digests of code whose size is not known, as a database of an older Ward has them. They count nothing. */
  unmeasuredCode(): Promise<readonly string[]>;
  /** Says how large it is. */
  measureCode(code: HeldCode): Promise<void>;
}
