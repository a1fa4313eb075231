import type { MemberLogin } from './namespace-members.ts';

/** A further key of a namespace, with fewer rights than its first one. */
export interface KeyRow {
  /** The public half, a UUID, different from that of every other key, including the first keys of namespaces. */
  readonly keyId: string;
  readonly namespace: string;
  /** SHA-256 of the secret half, hex. */
  readonly keyHash: string;
  /** Its rights; rooms above know their meaning. */
  readonly scope: string;
  readonly label: string;
  readonly createdAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number | null;
  /** Whose login it is from; null for any other key. */
  readonly person: string | null;
  /** Who made it, as in the audit log; null for keys that an earlier Ward made. */
  readonly maker: string | null;
}

export interface KeyStore {
  byId(keyId: string): Promise<KeyRow | undefined>;
  /** Oldest first. */
  list(namespace: string): Promise<readonly KeyRow[]>;
  /**
   * @param login for the key of a login: notes its person as a member of the namespace
   * @throws Fault STORE_NO_NAMESPACE, STORE_DUPLICATE
   */
  create(row: KeyRow, login?: MemberLogin): Promise<void>;
  /** False when it does not exist. */
  delete(namespace: string, keyId: string): Promise<boolean>;
  /**
   * Deletes all keys and sessions of a person's logins, and notes which logins that ends. Returns the number of the keys.
   * @param name of the person, for the audit log
   */
  logOut(person: string, name: string): Promise<number>;
  /** The person's logins up to this time of the issuer were ended everywhere; epoch milliseconds. */
  loggedOutAt(person: string): Promise<number | undefined>;
}
