export type { SqlValue, Step, Unit } from './batch.ts';
export { storeFaults } from './faults.ts';
export { openStore, type StoreOptions } from './open.ts';
export { type DatabaseThread, startDatabaseThread } from './sqlite/thread.ts';
export type * from './types.ts';
