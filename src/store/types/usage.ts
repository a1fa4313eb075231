/** What namespaces used on a day. */
export interface UsageDay {
  /** Days since 1970, UTC: the day of the `start` in the records. */
  readonly day: number;
  readonly namespace: string;
  /** When the namespace was created; epoch milliseconds. A later one of that name has days of its own. */
  readonly createdAt: number;
  readonly calls: number;
  /** Memory limit times duration, in MiB × ms. */
  readonly mibMs: number;
  readonly coldStarts: number;
  /** Over the network, with all headers. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** What it held at each full hour, summed. */
  readonly storedByteHours: number;
  /** Hours at which that was looked at: 24 on a day on which a server always ran. */
  readonly storedHours: number;
}

export interface UsageQuery {
  /** Undefined: all, also those that were deleted. */
  readonly namespace: string | undefined;
  /** Only of the namespace that was created then. */
  readonly createdAt?: number;
  /** The first and the last day. */
  readonly since: number;
  readonly until: number;
}

export type UsagePlace = Pick<UsageDay, 'day' | 'namespace' | 'createdAt'>;

export interface UsageStore {
  /** By day and then by namespace, and after that row: the next of a page. */
  days(query: UsageQuery, after: UsagePlace | undefined, limit: number): Promise<readonly UsageDay[]>;
  /**
   * Adds what a namespace holds to the day of this hour, once: a second sample of the same hour changes nothing.
   * @param hour since 1970
   */
  sample(namespace: string, bytes: number, hour: number): Promise<void>;
  /** Deletes the days before this one. */
  forget(before: number): Promise<void>;
  /** Days whose sums differ from the records that are there, for people. Reads all records. */
  problems(): Promise<readonly string[]>;
}
