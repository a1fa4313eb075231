export { type BatchStep, type LongText, pieceOf, type SqlValue, type Unit } from './batch.ts';
export { mayPass, storeFaults } from './faults.ts';
export { keepLease, type LeaseKeeper } from './kept-lease.ts';
export type { OnNewer } from './migrations/index.ts';
export { entryOf as unsealedEntry, watchNoted } from './noted-entry.ts';
export type { StoreOptions } from './open.ts';
export type { SharedFacts } from './postgres/facts.ts';
export type { PostgresStore } from './postgres/open.ts';
export type { SchemaMigrations as PostgresMigrations } from './postgres/open-database.ts';
export type { Connection as PostgresConnection, Pool as PostgresPool } from './postgres/pool.ts';
export { faultOf as postgresFault, isConfinedToOneUnit } from './postgres/sql-state.ts';
export { transaction as postgresTransaction } from './postgres/transaction.ts';
export type { SentEntries } from './sent-entries.ts';
export { databaseProblems, stateProblems } from './sqlite/check.ts';
export { readFolderMark, writeFolderMark } from './sqlite/folder-mark.ts';
export {
  codeNamedIn,
  type DatabaseSnapshot,
  knowsSchema,
  newestSchema,
  openSnapshot,
  schemaOfState,
} from './sqlite/snapshot.ts';
export { type DatabaseThread, startDatabaseThread } from './sqlite/thread.ts';
export type { TableCopy, TableResult } from './transfer/copy-table.ts';
export { stateTables } from './transfer/state-tables.ts';
export type { TablesPlace, TransferStep } from './transfer/transfer.ts';
export type * from './types/accepted.ts';
export type * from './types/acme.ts';
export type * from './types/activations.ts';
export type * from './types/apis.ts';
export type { Change, ChangeStore, ChangesSince } from './types/changes.ts';
export type * from './types/cluster-nodes.ts';
export type * from './types/code-marks.ts';
export type * from './types/deliveries.ts';
export type * from './types/domains.ts';
export type * from './types/egress.ts';
export { severalRefusals } from './types/egress.ts';
export type * from './types/entities.ts';
export type * from './types/feeds.ts';
export type * from './types/forwarding-errors.ts';
export type * from './types/holdings.ts';
export type * from './types/keys.ts';
export type * from './types/leases.ts';
export type * from './types/members.ts';
export type * from './types/namespace-members.ts';
export { mostMembers } from './types/namespace-members.ts';
export type * from './types/namespaces.ts';
export type * from './types/sessions.ts';
export type * from './types/spent-tokens.ts';
export type * from './types/store.ts';
export type * from './types/unsealed.ts';
export type * from './types/usage.ts';
export type * from './types/usage-slots.ts';
export { bandMs, slotMinutes } from './types/usage-slots.ts';
export type * from './types/violations.ts';
export { violationsKept } from './types/violations.ts';

/** Loaded on demand: users of other parts of the room should not wait for the query builder. */
export const openStore: typeof import('./open.ts').openStore = async (options) =>
  (await import('./open.ts')).openStore(options);

export const openPostgresStore: typeof import('./postgres/open.ts').openPostgresStore = async (options) =>
  (await import('./postgres/open.ts')).openPostgresStore(options);

export const transferTables: typeof import('./transfer/transfer.ts').transferTables = async (options) =>
  (await import('./transfer/transfer.ts')).transferTables(options);

export const openPostgresSchema: typeof import('./postgres/open-database.ts').openSchema = async (options) =>
  (await import('./postgres/open-database.ts')).openSchema(options);
