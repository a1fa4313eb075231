/** The two places between which databases move: a data folder, and a PostgreSQL database. */
import { existsSync } from 'node:fs';
import type { GateStore } from '../../gate/index.ts';
import { readFolderMark, type TablesPlace } from '../../store/index.ts';
import { openUsedState } from '../admin/operator-stores.ts';
import { connectionUrl, type StoreSetting } from '../config/store-setting.ts';
import { databasesOf } from '../instance/folder-id.ts';
import { storesOf } from '../stores/stores.ts';

export type DatabaseName = 'state' | 'gate' | 'registry';

export interface Place {
  /** For messages. */
  readonly where: string;
  /** Undefined when that database does not exist. */
  tables(database: DatabaseName): TablesPlace | undefined;
  /** Brings the schemas up. @throws Fault DATA_DIR_EMPTY when no Ward has used it */
  openUsed(): Promise<void>;
  /** Creates what is missing. */
  create(): Promise<void>;
  namespaces(): Promise<readonly string[]>;
  openGate(): Promise<GateStore>;
  /** Whether a server works on the accepted calls. */
  isServed(): Promise<boolean>;
  /** Tells the database, or the folder, from all others. */
  id(): Promise<string>;
}

/** @param password of the PostgreSQL database, if it needs one */
export function placeOf(dataDir: string, store: StoreSetting, password: string | undefined): Place {
  // Only tables move; the blobs stay where they are.
  const stores = storesOf({ dataDir, store, blobs: undefined }, password);
  const [state, gate, registry] = databasesOf(dataDir);
  const paths = { state, gate, registry };
  const isPostgres = stores.engine === 'postgres';
  const bringUpGate = async () => (await stores.openGate(false)).close();
  // A reader brings the tables up, too, and may open them beside a server.
  const openRegistry = async () => (await stores.openRegistryReader())?.[Symbol.asyncDispose]();
  return {
    where: stores.engine === 'sqlite' ? dataDir : stores.where,
    tables(database) {
      if (store.engine === 'sqlite')
        return existsSync(paths[database]) ? { engine: 'sqlite', file: paths[database] } : undefined;
      const schema = database === 'state' ? 'public' : database;
      return { engine: 'postgres', url: connectionUrl(store, password), schema };
    },
    async openUsed() {
      await using _state = await openUsedState(stores, dataDir);
      if (isPostgres || existsSync(gate)) await bringUpGate();
      await openRegistry();
    },
    async create() {
      await using _state = await stores.openState();
      await bringUpGate();
      if (isPostgres) await openRegistry();
      else await (await stores.openRegistry({}))[Symbol.asyncDispose]();
    },
    async namespaces() {
      await using state = await stores.openState();
      return (await state.namespaces.list()).map(({ name }) => name);
    },
    openGate: () => stores.openGate(false),
    async isServed() {
      await using state = await stores.openState();
      return await state.accepted.isServed();
    },
    async id() {
      if (stores.engine === 'sqlite') return readFolderMark(paths.state) ?? '';
      await using state = await stores.openState();
      return await state.facts.id();
    },
  };
}
