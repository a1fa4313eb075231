/** The few SQL expressions that differ between the engines. All other queries run unchanged on each of them. */
import type { RawBuilder } from 'kysely';
import type { StartKind } from './types/activations.ts';

export interface SqlWords {
  /** The database's clock, in epoch milliseconds: the clocks of the servers may differ. */
  readonly now: RawBuilder<number>;
  /** A subquery of the given texts. It has one parameter for any number of texts. */
  listed(texts: readonly string[]): RawBuilder<string>;
  /** Of a row of `activations`. */
  readonly startKind: RawBuilder<StartKind | null>;
  /** The end of a selection of rows to change: locks them, in the order in which they are selected. */
  readonly locked: RawBuilder<unknown>;
  /** The same, but leaves out those that another transaction changes now. */
  readonly unlocked: RawBuilder<unknown>;
}
