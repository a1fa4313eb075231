/** Runs by their errors, lines of their logs, and calls that have not ended. */

/** `GET /ward/v1/namespaces/_/activations/errors`. */
export interface ErrorGroups {
  readonly groups: readonly ErrorGroup[];
  readonly read: number;
  readonly isCut: boolean;
}

export interface ErrorGroup {
  readonly fingerprint: string;
  readonly action: string;
  readonly statusCode: number;
  readonly error: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** The newest ones. */
  readonly activationIds: readonly string[];
}

/** `GET /ward/v1/namespaces/_/logs`. */
export interface FoundLines {
  readonly lines: readonly FoundLine[];
  /** Lines that were left out. */
  readonly cut: number;
  /** The `upto` of the next search. */
  readonly next: number | null;
}

export interface FoundLine {
  readonly activationId: string;
  readonly action: string;
  readonly line: string;
}

/** `GET /ward/v1/namespaces/_/calls`. */
export interface CallsPage {
  readonly total: number;
  readonly calls: readonly { readonly activationId: string }[];
}
