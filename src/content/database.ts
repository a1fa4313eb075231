/**
 * The registry's tables, in either engine: the blobs and manifests of each repository, the targets of tags, the
 * holdings of each namespace. Bytes are elsewhere. A change is one transaction, so however the process ends, it is
 * stored completely or not at all.
 *
 * The statements are the same on each engine. Their parameters are `?1`, `?2` and so on, and each is used. `SqlWords`
 * has what the engines spell differently.
 */
import type { z } from 'zod';
import type { Digest } from '../blobs/index.ts';
import type { BatchStep, SqlValue } from '../store/index.ts';

export interface RegistryDatabase {
  readonly words: SqlWords;
  /** The database's clock, in epoch milliseconds: the clocks of the servers may differ. */
  now(): Promise<number>;
  all<T>(schema: z.ZodType<T>, sql: string, ...values: readonly SqlValue[]): Promise<T[]>;
  first<T>(schema: z.ZodType<T>, sql: string, ...values: readonly SqlValue[]): Promise<T | undefined>;
  /**
   * Runs one transaction, durable when it settles. A step that changes no row ends it: earlier steps stay. So
   * conditions are in the first step. Returns the number of steps that changed something.
   *
   * Transactions of a namespace have one order over all servers, so nothing that a step has seen of the namespace
   * changes before the end.
   * @param namespace undefined: the steps change only rows of `blobs`
   */
  write(namespace: string | undefined, ...steps: readonly BatchStep[]): Promise<number>;
  /**
   * Makes the row of a blob live, or inserts it. Waits while a server removes the blob. False: a removal that began
   * less than `lateMs` ago had no clear answer.
   */
  reviveBlob(digest: Digest, size: number, lateMs: number): Promise<boolean>;
  /**
   * Marks the row, calls `removeBytes`, and deletes the row, if the blob was doomed at `before` or earlier. Meanwhile no
   * server can make it live. Returns the size of the blob if it did. An error of `removeBytes` leaves the row doomed and
   * marked.
   * @param removeBytes must settle within 4 s; within `lateMs`, it can remove bytes even after it has failed
   */
  removeBlob(
    digest: Digest,
    times: RemovalTimes,
    removeBytes: () => Promise<void>,
  ): Promise<number | undefined>;
  close(): Promise<void>;
}

export interface RemovalTimes {
  /** When the blob must have been doomed. */
  readonly before: number;
  /** Age at which a removal without a clear answer is over. */
  readonly lateMs: number;
}

export interface SqlWords {
  /** A subquery with one column, `value`: the texts of a JSON array, which is the given parameter. */
  listed(parameter: `?${number}`): string;
}

export function step(sql: string, ...values: readonly SqlValue[]): BatchStep {
  return { statement: { sql, arity: values.length }, values };
}
