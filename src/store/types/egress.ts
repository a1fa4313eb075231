/** What calls reached over the network, and what was refused to them. */

/** Stands for all refusals in a row without a target. */
export const severalRefusals = 'several reasons';

/** What one call did with one target. */
export interface EgressUse {
  /** A name or an address; empty for what is not told apart. */
  readonly target: string;
  /** 0 if there is none. */
  readonly port: number;
  /** Such as `tcp`; `dns` for a question about a name; empty for what is not told apart. */
  readonly protocol: string;
  /** Why it was refused; empty: it was not. */
  readonly refusal: string;
  /** Connections that were opened, or tries that were refused. */
  readonly attempts: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** What the calls of an action did with one target on one day. */
export interface EgressDay extends EgressUse {
  readonly namespace: string;
  /** `name` or `package/name`; empty in the row of all that the namespace has no rows left for. */
  readonly action: string;
  /** Days since 1970, UTC: the day of the `start` in the records. */
  readonly day: number;
  readonly calls: number;
  /** When the latest of the calls started, epoch milliseconds; and its id. */
  readonly lastAt: number;
  readonly lastCall: string;
}

export interface EgressFilter {
  /** Undefined: all. */
  readonly namespace?: string | undefined;
  /** Of this namespace. */
  readonly action?: string | undefined;
}

/** Of a row, in the order of the list. */
export type EgressPlace = Pick<
  EgressDay,
  'namespace' | 'action' | 'target' | 'port' | 'protocol' | 'refusal' | 'day'
>;

export interface EgressStore {
  /** By namespace, action, target and day; after that row, the next of a page. */
  list(filter: EgressFilter, after: EgressPlace | undefined, limit: number): Promise<readonly EgressDay[]>;
  /** Deletes rows of days before this one, at most so many, and returns their number. */
  forget(before: number, most: number): Promise<number>;
}
