export { type LongText, pieceOf, type SqlValue, type Step, type Unit } from './batch.ts';
export { storeFaults } from './faults.ts';
export type { StoreOptions } from './open.ts';
export { type DatabaseSnapshot, openSnapshot } from './sqlite/snapshot.ts';
export { type DatabaseThread, startDatabaseThread } from './sqlite/thread.ts';
export { codeNamedIn, knowsSchema, schemaOfState } from './state-copy.ts';
export type * from './types.ts';

/** Loaded when it is needed: whoever needs something else of this room should not wait for the query builder. */
export const openStore: typeof import('./open.ts').openStore = async (options) =>
  (await import('./open.ts')).openStore(options);
