/** What is known of functions besides what OpenWhisk tells. */
import type { PolicyLine } from './isolation.ts';

/** What the gate says about a call now. */
export interface CallVerdict {
  readonly outcome: string;
  readonly summary: string;
  /** Of the report; null without one. */
  readonly digest: string | null;
}

/** `GET /ward/v1/namespaces/_/explain/{name}`. */
export interface Explained {
  /** Null for what runs no code of its own. */
  readonly gate: CallVerdict | null;
  readonly policy: readonly PolicyLine[];
}

/** `GET /ward/v1/namespaces/_/actions/figures`. */
export interface FunctionFigures {
  /** `name` or `package/name`. */
  readonly name: string;
  /** Null for what runs no code of its own. */
  readonly gate: CallVerdict | null;
  /** Null: no record is kept. */
  readonly last: LastCall | null;
  /** The last one that failed; null: none of the last 500. */
  readonly lastError: (LastCall & { readonly error?: string | undefined }) | null;
  /** Of the last 24 hours; `isCut`: there may be more. */
  readonly calls: number;
  readonly failed: number;
  readonly isCut: boolean;
  /** Milliseconds; null without calls. */
  readonly p99: number | null;
  /** Those with calls. */
  readonly hours: readonly {
    readonly at: number;
    readonly calls: number;
    readonly failed: number;
    readonly p99: number | null;
  }[];
}

interface LastCall {
  readonly activationId: string;
  readonly start: number;
  readonly end: number | null;
  readonly statusCode: number;
}
