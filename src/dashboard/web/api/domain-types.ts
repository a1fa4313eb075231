/** `GET /ward/v1/domains`. */
export interface Domain {
  readonly name: string;
  /** Whose web actions it serves; absent: those of an API. */
  readonly package?: string;
  /** Base path of the API. */
  readonly api?: string;
  readonly isProved: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly provedAt: number | null;
  /** The record that proves it. */
  readonly challenge: { readonly type: string; readonly name: string; readonly value: string };
}
