/** Names of a namespace’s own. */

/** Times are epoch milliseconds. */
interface Certificate {
  readonly issuer: string | null;
  readonly until: number | null;
  readonly triedAt: number | null;
  /** Why the last attempt to get the next one has failed, or why Ward makes none. */
  readonly error: string | null;
  /** When Ward tries to get the next one. Null: not before other domains make room. */
  readonly nextTryAt: number | null;
}

/** `GET /ward/v1/domains`. */
export interface Domain {
  readonly name: string;
  /** Whose web actions it serves; absent: those of an API. */
  readonly package?: string | undefined;
  /** Base path of the API. */
  readonly api?: string | undefined;
  readonly isProved: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly provedAt: number | null;
  /** Null when Ward has not ordered one from an authority. */
  readonly certificate: Certificate | null;
  /** The record that proves it. */
  readonly challenge: { readonly type: string; readonly name: string; readonly value: string };
}
