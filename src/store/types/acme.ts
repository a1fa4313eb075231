import type { JsonObject } from '../../lib/index.ts';

/**
 * `account`: with an authority. `orders`: those made on a date. `proof`: what an authority wants to see at the moment.
 */
export type AcmeKind = 'account' | 'certificate' | 'orders' | 'proof';

/** What this Ward has with authorities of certificates. Rooms above know the documents, and seal what is secret in them. */
export interface AcmeRow {
  readonly kind: AcmeKind;
  readonly name: string;
  readonly document: JsonObject;
  /** Another one after each write. */
  readonly revision: string;
}

export interface AcmeStore {
  get(kind: AcmeKind, name: string): Promise<AcmeRow | undefined>;
  /** By name. */
  list(kind: AcmeKind): Promise<readonly AcmeRow[]>;
  /**
   * Returns false if the row is not at the expected revision, and changes nothing then.
   * @param expected null: there is no such row
   */
  put(row: Omit<AcmeRow, 'revision'>, expected: string | null): Promise<boolean>;
  delete(kind: AcmeKind, name: string): Promise<void>;
}
