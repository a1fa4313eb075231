/** Opens the databases for operators' commands, whether or not a server is running. */
import { access } from 'node:fs/promises';
import type { GateStore } from '../../gate/index.ts';
import type { PostgresStore, Store } from '../../store/index.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { refuseOtherEngine } from '../instance/database-mark.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { readStorePassword } from '../secrets/store-password.ts';
import { type PostgresStores, type Stores, storesOf } from '../stores/stores.ts';
import { actAsOwner } from './act-as.ts';

/** The Ward that a command is about. */
export interface Place {
  readonly dataDir?: string;
  readonly configFile?: string;
}

export interface OpenState extends AsyncDisposable {
  readonly config: Config;
  readonly store: Store;
}

/** Opens the database as the owner of the data folder. @throws Fault DATA_DIR_EMPTY */
export async function openState(place: Place): Promise<OpenState> {
  const config = await loadConfig(place);
  await using stack = new AsyncDisposableStack();
  const stores = operatorStores(config);
  stack.use(actAsOwner(config.dataDir));
  const store = stack.use(await openUsedState(stores, config.dataDir));
  const opened = stack.move();
  return { config, store, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/**
 * Call it with the caller's own rights: the owner of the data folder can't read the password of a database.
 * @throws Fault CONFIG_INVALID, DATA_DIR_OTHER_STORE
 */
export function operatorStores(config: Pick<Config, 'dataDir' | 'store' | 'blobs'>): Stores {
  refuseOtherEngine(config.dataDir, config.store);
  // The server says so in its log.
  return storesOf(config, readStorePassword(config.store), () => {});
}

/**
 * As `operatorStores`, for work on all that the databases have: a newer Ward may have added what this one does not know.
 * @throws Fault STORE_NEWER when the databases are opened
 */
export function wholeStores(config: Pick<Config, 'dataDir' | 'store' | 'blobs'>): Stores {
  refuseOtherEngine(config.dataDir, config.store);
  return storesOf(config, readStorePassword(config.store));
}

/** @throws Fault DATA_DIR_EMPTY when no Ward has used the database yet */
export async function openUsedState(stores: Stores, dataDir: string): Promise<Store | PostgresStore> {
  if (stores.engine === 'sqlite') {
    await requireDatabase(dataDir);
    return await stores.openState();
  }
  return await requireUsed(stores, await stores.openState());
}

/** Writes nothing. @throws Fault DATA_DIR_EMPTY; STORE_UNFIT when another version of Ward has written the database */
export async function readUsedState(stores: PostgresStores): Promise<PostgresStore> {
  return await requireUsed(stores, await stores.readState());
}

async function requireUsed(stores: PostgresStores, opened: PostgresStore): Promise<PostgresStore> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(opened);
  if ((await store.namespaces.count()) === 0) throw emptyFault(`the database ${stores.where} is empty`);
  stack.move();
  return store;
}

/** @throws Fault DATA_DIR_EMPTY when nothing was judged yet */
export async function openUsedGate(stores: Stores, dataDir: string): Promise<GateStore> {
  const { database } = gatePaths(dataDir);
  if (stores.engine === 'sqlite' && !(await isPresent(database))) {
    throw serverFault('DATA_DIR_EMPTY', `the gate has stored nothing in ${dataDir} yet`, {
      hint: 'push or deploy something first, or name the folder with --data DIR',
    });
  }
  return await stores.openGate(false);
}

/** For reading; undefined where nothing was judged yet. @throws Faults of the gate's store */
export async function readStoredGate(stores: Stores, dataDir: string): Promise<GateStore | undefined> {
  if (stores.engine === 'postgres') return await stores.readGate();
  return (await isPresent(gatePaths(dataDir).database)) ? await stores.openGate(false) : undefined;
}

/** @throws Fault DATA_DIR_EMPTY */
export async function requireDatabase(dataDir: string): Promise<void> {
  if (!(await isPresent(dataPaths(dataDir).database))) throw emptyFault(`${dataDir} has no database of Ward`);
}

export async function isPresent(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function emptyFault(message: string) {
  return serverFault('DATA_DIR_EMPTY', message, {
    hint: 'start Ward once with `ward up`, or name its folder with --data DIR',
  });
}
