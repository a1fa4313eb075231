/** The messages between the main thread and the database thread. Both are Ward's own, so nothing is validated. */
import type { LongText, SqlValue, Statement } from '../batch.ts';

export type Request =
  | {
      readonly id: number;
      readonly type: 'query';
      readonly sql: string;
      readonly values: readonly SqlValue[];
    }
  | BatchRequest
  | { readonly id: number; readonly type: 'close' };

/** Units laid out flat, since many small arrays are slow to clone between threads. */
export interface BatchRequest {
  readonly id: number;
  readonly type: 'batch';
  readonly statements: readonly Statement[];
  /** Indexes into `statements`; -1 ends a unit. */
  readonly steps: readonly number[];
  /** The parameters of all steps, one after the other. */
  readonly values: readonly SqlValue[];
}

export type Reply =
  | {
      readonly id: number;
      readonly type: 'rows';
      readonly rows: readonly unknown[];
      readonly changes: number;
    }
  | { readonly id: number; readonly type: 'outcomes'; readonly outcomes: readonly (number | SqlError)[] }
  | {
      readonly id: number;
      readonly type: 'error';
      readonly error: SqlError;
      /** The long texts of a batch, returned so that it can be tried again. */
      readonly texts?: readonly LongText[];
    };

/** An error of SQLite: `code` is its extended result code, 0 when it was something else. */
export interface SqlError {
  readonly code: number;
  readonly message: string;
}

export interface WorkerData {
  readonly path: string;
  /** Cache of the database's pages in memory. */
  readonly cacheKiB: number;
}

/** The low byte of the extended result codes that Ward distinguishes (sqlite.org/rescode.html). */
export const resultCodes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  notADatabase: 26,
} as const;
