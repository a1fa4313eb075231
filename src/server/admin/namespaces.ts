/** The operator's view of namespaces: reads and writes the database itself, whether or not a server is running. */
import { setTimeout } from 'node:timers/promises';
import { openBlobStore } from '../../blobs/index.ts';
import { boundAsk } from '../../dispatch/index.ts';
import {
  createCodeSweep,
  type KeyDescription,
  type KeyRequest,
  measureCode,
  type NamespaceLimitsPatch,
  type NamespaceLimitValues,
  Namespaces,
  type NewKey,
  noticedMs,
  type UserLimits,
} from '../../functions/index.ts';
import { tryFileLock } from '../../lib/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import type { NamespacePage } from '../../store/index.ts';
import { loadConfig } from '../config/config.ts';
import { systemLimits } from '../config/limits.ts';
import { guest, writeKeyFile } from '../first-namespace.ts';
import { dataPaths } from '../instance/instance.ts';
import { actAsOwner } from './act-as.ts';
import { isPresent, openUsedState, operatorStores } from './operator-stores.ts';

export interface NamespaceKey {
  readonly name: string;
  /** `uuid:secret`; Ward keeps only a hash of it. */
  readonly key: string;
}

/** Current settings of a namespace, with its own retention rules if it has any. */
export type NamespaceLimitsView = UserLimits &
  Pick<NamespaceLimitValues, 'retentionMaxAgeDays' | 'retentionMaxRecords'>;

/** A namespace as the operator sees it. */
export interface NamespaceOverview {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Start of the newest recorded activation; null: no record exists. */
  readonly lastUsedAt: number | null;
  readonly actions: number;
  /** Records of activations. */
  readonly records: number;
  readonly disk: {
    /** Actions, packages, triggers, rules, event sources and APIs. */
    readonly entityBytes: number;
    /** Code of its actions; code that several namespaces share counts for each. */
    readonly codeBytes: number;
    /** With logs and inputs. */
    readonly recordBytes: number;
    /** Pushed images. */
    readonly registryBytes: number;
  };
  readonly limits: NamespaceLimitsView;
}

export interface NamespacesPage {
  readonly total: number;
  /** By name. */
  readonly namespaces: readonly NamespaceOverview[];
}

export interface NamespaceAdmin extends AsyncDisposable {
  overview(page: NamespacePage): Promise<NamespacesPage>;
  create(name: string): Promise<NamespaceKey>;
  /** Deletes its code as well, unless a server is running, which deletes that later. */
  delete(name: string): Promise<void>;
  /** Replaces the first key. */
  rotateKey(name: string): Promise<NamespaceKey>;
  createKey(name: string, request: KeyRequest): Promise<NewKey>;
  /** The first key, then further ones from old to new. */
  listKeys(name: string): Promise<readonly KeyDescription[]>;
  deleteKey(name: string, keyId: string): Promise<void>;
  limits(name: string, patch: NamespaceLimitsPatch): Promise<NamespaceLimitsView>;
}

/** @throws Fault DATA_DIR_EMPTY when the data folder has no database of Ward */
export async function namespaceAdmin(options: {
  readonly dataDir?: string;
  readonly configFile?: string;
}): Promise<NamespaceAdmin> {
  const config = await loadConfig(options);
  const paths = dataPaths(config.dataDir);
  await using stack = new AsyncDisposableStack();
  const stores = operatorStores(config);
  stack.use(actAsOwner(config.dataDir));
  const store = stack.use(await openUsedState(stores, config.dataDir));
  const operator = operatorPolicy(config.sandbox);
  const namespaces = new Namespaces(store, systemLimits(config), {
    vetSandbox: (ask) => boundAsk(ask, operator),
  });
  /** When the command ends, a removed key no longer opens anything. */
  const untilNoticed = async () => {
    const isServed = () => {
      if (stores.engine === 'postgres') return true;
      using lock = tryFileLock(paths.lock);
      return lock === undefined;
    };
    if (isServed()) await setTimeout(noticedMs);
  };
  const opened = stack.move();
  return {
    async overview(page) {
      // Elsewhere, a server measures its code at its start.
      if (config.blobs === undefined) await measureCode(store.holdings, openBlobStore(paths.code));
      await using registry = await stores.openRegistryReader();
      const found: NamespaceOverview[] = [];
      for (const { name, entityBytes, codeBytes, recordBytes, ...usage } of await store.namespaces.usage(
        page,
      )) {
        const { createdAt, limits, own } = await namespaces.get(name);
        const registryBytes = (await registry?.usage(name)) ?? 0;
        const disk = { entityBytes, codeBytes, recordBytes, registryBytes };
        found.push({ name, createdAt, ...usage, disk, limits: { ...limits, ...ownRetention(own) } });
      }
      return { total: await store.namespaces.count(), namespaces: found };
    },
    create: async (name) => ({ name, key: await namespaces.create(name) }),
    async delete(name) {
      await namespaces.delete(name);
      // Another server may be about to name code that only its own folder has.
      if (stores.engine === 'postgres' || config.blobs !== undefined) return untilNoticed();
      using lock = tryFileLock(paths.lock);
      if (lock === undefined) return untilNoticed();
      const blobs = openBlobStore(paths.code);
      await createCodeSweep({ ...store, blobs, drop: blobs.delete, graceMs: 0 })();
    },
    async rotateKey(name) {
      const key = await namespaces.rotateKey(name);
      // The command line of this machine reads guest's key from there.
      if (name === guest && (await isPresent(paths.guestKey))) await writeKeyFile(paths.guestKey, key);
      await untilNoticed();
      return { name, key };
    },
    createKey: (name, request) => namespaces.createKey(name, request),
    listKeys: (name) => namespaces.listKeys(name),
    async deleteKey(name, keyId) {
      await namespaces.deleteKey(name, keyId);
      await untilNoticed();
    },
    async limits(name, patch) {
      const { limits, own } = await namespaces.setLimits(name, patch);
      return { ...limits, ...ownRetention(own) };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function ownRetention({ retentionMaxAgeDays, retentionMaxRecords }: NamespaceLimitValues) {
  return {
    ...(retentionMaxAgeDays === undefined ? {} : { retentionMaxAgeDays }),
    ...(retentionMaxRecords === undefined ? {} : { retentionMaxRecords }),
  };
}
