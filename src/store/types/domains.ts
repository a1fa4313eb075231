/** What a domain serves at its root. */
export type DomainTarget =
  /** Web actions of this package; `default` for those outside of packages. */
  | { readonly kind: 'package'; readonly package: string }
  /** The API with this base path. */
  | { readonly kind: 'api'; readonly basePath: string };

/** A claim of a namespace to a domain. Several namespaces may claim the same name; at most one has proved it. */
export interface DomainRow {
  readonly namespace: string;
  /** In ASCII and lower case. */
  readonly name: string;
  /** What the namespace has to put into its DNS record. */
  readonly token: string;
  readonly target: DomainTarget;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Null while it is only a claim. */
  readonly provedAt: number | null;
}

export interface DomainStore {
  get(namespace: string, name: string): Promise<DomainRow | undefined>;
  /** By name. */
  list(namespace: string): Promise<readonly DomainRow[]>;
  /** The claim that has proved the name. */
  owner(name: string): Promise<DomainRow | undefined>;
  /** All proved ones whose name comes after `after`, by name. */
  proved(after: string, limit: number): Promise<readonly DomainRow[]>;
  /**
   * Inserts the claim; if the namespace has one for the name, changes only its target. Returns the stored one, or
   * undefined if the namespace would have more than `most`.
   * @throws Fault STORE_NO_NAMESPACE
   */
  put(row: DomainRow, most: number): Promise<DomainRow | undefined>;
  /**
   * Makes the claim the proved one of its name, and `loser` a mere claim again. False, with nothing changed, if one of
   * them is not as it was read, or if another has proved the name.
   */
  prove(claim: DomainRow, loser: DomainRow | undefined, at: number): Promise<boolean>;
  delete(namespace: string, name: string): Promise<boolean>;
}
