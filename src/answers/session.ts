/** What the API answers, as the console reads it. `docs/api.md` has the whole of it. */

export type Right = 'read' | 'deploy' | 'invoke' | 'admin';

/** `GET /ward/v1/session`. */
export interface Session {
  readonly version: string;
  /** Null for an operator without a key. */
  readonly namespace: string | null;
  readonly keyId: string | null;
  readonly scope: string | null;
  readonly rights: readonly Right[];
  readonly operator: boolean;
  /** Whether it is from a login at an issuer. */
  readonly login: boolean;
  /** Until the session ends, however much it is used. */
  readonly leftMs: number | null;
}
