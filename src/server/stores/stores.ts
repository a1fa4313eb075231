/** Opens Ward's databases where the setting `store` has them: in the data folder, or in PostgreSQL. */
import { accessSync, constants } from 'node:fs';
import type { BlobLocation, BlobStore } from '../../blobs/index.ts';
import {
  type HeldBlobs,
  openHeldBlobs,
  openRegistryReader,
  openRegistryStore,
  type RegistryPlace,
  type RegistryReader,
  type RegistryStore,
  type RegistryStoreOptions,
} from '../../content/index.ts';
import { type GateStore, openGateStore, openPostgresGateStore } from '../../gate/index.ts';
import { messageOf } from '../../lib/index.ts';
import {
  type OnNewer,
  openPostgresStore,
  openStore,
  type PostgresStore,
  type Store,
  type StoreOptions,
} from '../../store/index.ts';
import type { Config } from '../config/config.ts';
import { connectionUrl, type PostgresSetting } from '../config/store-setting.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { openBucketByHand } from './shared-blobs.ts';

type StateOptions = Omit<StoreOptions, 'path'>;

interface CommonStores {
  /** @param inThread for servers, whose main thread must not wait for a disk */
  openGate(inThread: boolean): Promise<GateStore>;
  openRegistry(options: Omit<RegistryStoreOptions, 'dir' | 'database'>): Promise<RegistryStore>;
  /**
   * Undefined when nothing was ever pushed.
   * @param blobs by default where the setting `blobs` has them
   */
  openRegistryReader(blobs?: BlobStore): Promise<RegistryReader | undefined>;
}

export interface FolderStores extends CommonStores {
  readonly engine: 'sqlite';
  openState(options?: StateOptions): Promise<Store>;
}

export interface PostgresStores extends CommonStores {
  readonly engine: 'postgres';
  /** For messages; without a password. */
  readonly where: string;
  openState(options?: StateOptions): Promise<PostgresStore>;
  /** These write nothing. @throws Fault STORE_UNFIT, GATE_STORE_FAILED when another version of Ward has written it */
  readState(): Promise<PostgresStore>;
  readGate(): Promise<GateStore>;
  readHeldBlobs(): Promise<HeldBlobs & AsyncDisposable>;
}

export type Stores = FolderStores | PostgresStores;

/**
 * @param password of the PostgreSQL database, if it needs one
 * @param onNewer called when a newer Ward has upgraded the database in a way that this one can use; without it, such a
 * database is refused
 * @throws Fault CONFIG_INVALID when a certificate that the setting names can't be read
 */
export function storesOf(
  { dataDir, store, blobs }: Pick<Config, 'dataDir' | 'store' | 'blobs'>,
  password: string | undefined,
  onNewer?: OnNewer,
): Stores {
  const stores =
    store.engine === 'sqlite' ? folderStores(dataDir) : postgresStores(dataDir, store, password, onNewer);
  if (blobs === undefined) return stores;
  return { ...stores, openRegistryReader: () => registryReaderOver(stores, blobs) };
}

export function folderStores(dataDir: string): FolderStores {
  const dir = dataPaths(dataDir).registry;
  return {
    engine: 'sqlite',
    openState: (options = {}) => openStore({ ...options, path: dataPaths(dataDir).database }),
    openGate: (inThread) => openGateStore({ path: gatePaths(dataDir).database, inThread }),
    ...registryOf({ dir }),
  };
}

function postgresStores(
  dataDir: string,
  setting: PostgresSetting,
  password: string | undefined,
  onNewer: OnNewer | undefined,
): PostgresStores {
  for (const file of setting.tlsFiles) requireReadable(file);
  const at = { url: connectionUrl(setting, password), onNewer };
  const dir = dataPaths(dataDir).registry;
  return {
    engine: 'postgres',
    where: `${setting.host}/${setting.database}`,
    openState: ({ onRecording } = {}) =>
      openPostgresStore({ ...at, ...(onRecording === undefined ? {} : { onRecording }) }),
    readState: () => openPostgresStore({ ...at, isReader: true }),
    readGate: () => openPostgresGateStore({ ...at, isReader: true }),
    readHeldBlobs: () => openHeldBlobs({ dir, database: { kind: 'postgres', ...at, isReader: true } }),
    // Its connections never wait for a disk of this machine.
    openGate: () => openPostgresGateStore(at),
    ...registryOf({ dir, database: { kind: 'postgres', ...at } }),
  };
}

function registryOf(
  place: Pick<RegistryPlace, 'dir' | 'database'>,
): Pick<CommonStores, 'openRegistry' | 'openRegistryReader'> {
  return {
    openRegistry: (options) => openRegistryStore({ ...options, ...place }),
    openRegistryReader: (blobs) => openRegistryReader({ ...place, blobs }),
  };
}

async function registryReaderOver(
  stores: CommonStores,
  location: BlobLocation,
): Promise<RegistryReader | undefined> {
  await using stack = new AsyncDisposableStack();
  const bucket = stack.use(await openBucketByHand(location));
  const reader = await stores.openRegistryReader(await bucket.open('registry'));
  if (reader === undefined) return undefined;
  stack.use(reader);
  const opened = stack.move();
  return { ...reader, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function requireReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw serverFault('CONFIG_INVALID', `store: a file that it names can't be read: ${messageOf(cause)}`, {
      hint: 'the server’s user must be able to read it',
      cause,
    });
  }
}
