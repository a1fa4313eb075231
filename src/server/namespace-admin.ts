/** The operator's view of namespaces: on the database itself, whether or not a server is running. */
import { access } from 'node:fs/promises';
import {
  createNamespaces,
  type NamespaceDescription,
  type NamespaceRatesPatch,
  type UserLimits,
} from '../functions/index.ts';
import { openStore } from '../store/index.ts';
import { loadConfig } from './config.ts';
import { serverFault } from './faults.ts';
import { guest, writeKeyFile } from './first-namespace.ts';
import { dataPaths } from './instance.ts';
import { systemLimits } from './limits.ts';

export interface NamespaceKey {
  readonly name: string;
  /** `uuid:secret`; Ward keeps only a hash of it. */
  readonly key: string;
}

export interface NamespaceAdmin extends AsyncDisposable {
  list(): Promise<readonly NamespaceDescription[]>;
  create(name: string): Promise<NamespaceKey>;
  delete(name: string): Promise<void>;
  rotateKey(name: string): Promise<NamespaceKey>;
  limits(name: string, patch: NamespaceRatesPatch): Promise<UserLimits>;
}

/** @throws Fault DATA_DIR_EMPTY when there is no Ward's database in the data folder */
export async function namespaceAdmin(options: {
  readonly dataDir?: string;
  readonly configFile?: string;
}): Promise<NamespaceAdmin> {
  const config = await loadConfig(options);
  const { database, guestKey } = dataPaths(config.dataDir);
  if (!(await isPresent(database))) {
    throw serverFault('DATA_DIR_EMPTY', `there is no database of Ward in ${config.dataDir}`, {
      hint: 'start Ward once with `ward up`, or name its folder with --data DIR',
    });
  }
  const store = await openStore({ path: database });
  const namespaces = createNamespaces(store, systemLimits(config));
  return {
    list: () => namespaces.list(),
    create: async (name) => ({ name, key: await namespaces.create(name) }),
    delete: (name) => namespaces.delete(name),
    async rotateKey(name) {
      const key = await namespaces.rotateKey(name);
      // The command line of this machine takes guest's key from there.
      if (name === guest && (await isPresent(guestKey))) await writeKeyFile(guestKey, key);
      return { name, key };
    },
    limits: async (name, patch) => (await namespaces.setLimits(name, patch)).limits,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

async function isPresent(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
