export { storeFaults } from './faults.ts';
export { openStore, type StoreOptions } from './open.ts';
export type * from './types.ts';
