/** Opens the state of a server, after checks that the data folder and the databases belong together. */
import type { Log } from '../../lib/index.ts';
import type { SharedFacts, Store, StoreOptions } from '../../store/index.ts';
import { hasDatabaseMark, markDatabase, refuseOtherDatabase } from '../instance/database-mark.ts';
import { checkFolderId } from '../instance/folder-id.ts';
import {
  type DataPart,
  refuseEmptyDatabase,
  refuseMissingDatabase,
  refuseMissingParts,
} from '../instance/missing-parts.ts';
import type { FolderStores, PostgresStores, Stores } from './stores.ts';

export interface OpenState {
  readonly store: Store;
  /** Tells this database from all others. */
  readonly id: string;
  /** Undefined when this server is the only one that works on the store. */
  readonly shared: SharedState | undefined;
  /** Binds the folder to its databases. Call it when all of them exist. */
  markFolder(): Promise<void>;
}

export interface SharedState {
  readonly facts: SharedFacts;
  /** Does `work` while no other server does such work on the same database. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

interface OpenStateOptions extends Omit<StoreOptions, 'path'> {
  readonly dataDir: string;
  /** The keys that encrypt parameters are in the folder. */
  readonly hasOwnKeys: boolean;
  /** The code is in a store that several servers share. */
  readonly isCodeShared: boolean;
  readonly acceptMissing: readonly DataPart[];
  readonly acceptMixed: boolean;
  readonly log: Log;
}

/** @throws Fault DATA_DIR_INCOMPLETE, DATA_DIR_MIXED, and those of the store */
export function openState(stores: Stores, options: OpenStateOptions): Promise<OpenState> {
  return stores.engine === 'sqlite' ? openInFolder(stores, options) : openInPostgres(stores, options);
}

async function openInFolder(stores: FolderStores, options: OpenStateOptions): Promise<OpenState> {
  const { dataDir, hasOwnKeys, isCodeShared: _, acceptMissing, acceptMixed, log, ...how } = options;
  refuseMissingDatabase(dataDir, acceptMissing, log);
  const folderId = checkFolderId(dataDir, acceptMixed, log);
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await stores.openState(how));
  await refuseMissingParts({ dataDir, hasOwnKeys }, store, acceptMissing, log);
  folderId.unmark();
  stack.move();
  return { store, id: folderId.id, shared: undefined, markFolder: folderId.mark };
}

async function openInPostgres(stores: PostgresStores, options: OpenStateOptions): Promise<OpenState> {
  const { dataDir, hasOwnKeys: _, isCodeShared, acceptMissing, acceptMixed, log, ...how } = options;
  const { where } = stores;
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await stores.openState(how));
  const { facts, alone } = store;
  const id = await facts.id();
  refuseOtherDatabase(dataDir, { id, where, isMixAccepted: acceptMixed, log });
  const isNew = (await store.namespaces.count()) === 0;
  if (isNew) refuseEmptyDatabase(dataDir, where, acceptMissing, log);
  else if (!isCodeShared && !hasDatabaseMark(dataDir)) {
    log.warn(
      { database: where },
      'the data folder is new to the database: code from other folders is not in it',
    );
  }
  stack.move();
  return { store, id, shared: { facts, alone }, markFolder: () => markDatabase(dataDir, id) };
}
