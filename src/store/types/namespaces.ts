import type { JsonObject } from '../../lib/index.ts';
import type { Holdings } from './holdings.ts';

export interface NamespaceRow {
  readonly name: string;
  /** The public half of the key, a UUID. */
  readonly keyId: string;
  /** SHA-256 of the secret half, hex. */
  readonly keyHash: string;
  readonly limits: JsonObject;
  /** Settings of its owner for the whole namespace. */
  readonly settings: JsonObject;
  readonly createdAt: number;
}

export interface NamespacePage {
  readonly skip: number;
  readonly limit: number;
}

/** The holdings of a namespace, and its last use. */
export interface NamespaceUsage extends Holdings {
  readonly name: string;
  readonly actions: number;
  /** Start of its newest recorded activation, even if the record is deleted; null when there was none. */
  readonly lastUsedAt: number | null;
}

export interface NamespaceStore {
  byName(name: string): Promise<NamespaceRow | undefined>;
  byKeyId(keyId: string): Promise<NamespaceRow | undefined>;
  list(): Promise<readonly NamespaceRow[]>;
  count(): Promise<number>;
  /** By name. */
  usage(page: NamespacePage): Promise<readonly NamespaceUsage[]>;
  /** False when the name is taken, or the key's id: by a namespace or by a further key. */
  create(row: NamespaceRow): Promise<boolean>;
  /**
   * Writes its key and its limits. False when it does not exist, or is not `expected` any more: a key that was replaced
   * in the meantime must not come back. @throws Fault STORE_DUPLICATE when the key's id is taken
   */
  update(row: NamespaceRow, expected: NamespaceRow): Promise<boolean>;
  /** False when it does not exist, or its settings are not `expected` any more. */
  putSettings(name: string, settings: JsonObject, expected: JsonObject): Promise<boolean>;
  /** Deletes the namespace and everything in it. */
  delete(name: string): Promise<boolean>;
}
