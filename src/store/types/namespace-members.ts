/** Someone who has logged in to a namespace. Times are epoch milliseconds of the database. */
export interface NamespaceMemberRow {
  /** As in the keys of the person's logins. */
  readonly person: string;
  /** The subject and the issuer, as in the audit log. */
  readonly name: string;
  /** What the operator's rules gave at the last login; rooms above know its meaning. */
  readonly role: string;
  readonly firstLoginAt: number;
  readonly lastLoginAt: number;
  /** Keys of the person's logins in the namespace, also those that have expired. */
  readonly keys: number;
}

/** What the store notes of a login, with the key that it makes. */
export type MemberLogin = Pick<NamespaceMemberRow, 'name' | 'role'>;

/** Of each namespace. Pipelines log in, too, and an issuer can name each branch of a repository differently. */
export const mostMembers = 1000;

/** Creating the key of a login makes its person a member. */
export interface NamespaceMemberStore {
  /** The last login first. */
  list(namespace: string): Promise<readonly NamespaceMemberRow[]>;
  /**
   * Deletes the keys of the person's logins in this namespace, with their sessions, and notes when. Returns the number of
   * the keys; undefined when the person is no member.
   */
  endLogins(namespace: string, person: string): Promise<number | undefined>;
  /** The person's logins up to this time of the issuer were ended in this namespace; epoch milliseconds. */
  endedAt(namespace: string, person: string): Promise<number | undefined>;
}
