/** The operator's view of the keys that encrypt parameters: lists them, counts their values, and rotates them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createVault, type ResealReport, reseal, surveyVault } from '../../functions/index.ts';
import { silentLog } from '../../lib/index.ts';
import { keepLease } from '../../store/index.ts';
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { noteSharedKeys } from '../secrets/key-check.ts';
import { addKey } from '../secrets/key-file.ts';
import { type GivenKeys, readGivenKeys } from '../secrets/secrets.ts';
import { noticedAfterMs, openVaultKeys } from '../secrets/vault-keys.ts';
import { actAsOwner, ownerOf } from './act-as.ts';
import { openUsedState, wholeStores } from './operator-stores.ts';

export interface VaultKeyUse {
  readonly id: string;
  readonly use: 'encrypts' | 'decrypts' | 'missing';
  /** Values that are encrypted with it. */
  readonly kept: number;
  /** Values encrypted with it in waiting invocations and deliveries, which will end soon. */
  readonly waiting: number;
}

export interface VaultStatus {
  /** Where the keys are: a file, or the name of a variable. */
  readonly source: string;
  /** The key that encrypts, then the other keys, then missing ones. */
  readonly keys: readonly VaultKeyUse[];
  /** Parameters that are not encrypted yet. */
  readonly clear: number;
  /** True when more values wait than were counted. */
  readonly isPartial: boolean;
}

export interface VaultRotation extends ResealReport {
  /** The id of the key that encrypts now. */
  readonly newest: string;
}

export interface VaultAdmin extends AsyncDisposable {
  status(): Promise<VaultStatus>;
  /**
   * Creates a new key, unless `keepKey`, and encrypts all values of older keys with the newest one. Old keys stay.
   * @throws Fault PARAMETER_KEYS_BUSY; PARAMETER_KEYS_INVALID when the keys are in the environment, where none can be
   * added
   */
  rotate(options: { readonly keepKey: boolean }): Promise<VaultRotation>;
}

/** @throws Fault DATA_DIR_EMPTY, PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE */
export async function vaultAdmin(options: {
  readonly dataDir?: string;
  readonly configFile?: string;
}): Promise<VaultAdmin> {
  const config = await loadConfig(options);
  const server = ownerOf(config.dataDir);
  const given = readGivenKeys(config, process.env, server);
  const stores = wholeStores(config);
  await using stack = new AsyncDisposableStack();
  const acting = stack.use(actAsOwner(config.dataDir));
  const store = stack.use(await openUsedState(stores, config.dataDir));
  const { keys, file, renew } = await openVaultKeys(config, given, false);
  const source = file ?? 'WARD_PARAMETER_KEYS';
  // With the rights of the file's owner: so the new file is that user's, too, and the server can read it.
  const addToGiven = async (keys: GivenKeys) => {
    const add = async () => {
      await addTo(keys.file);
      renew(readGivenKeys(config, process.env, server) ?? keys);
    };
    await (keys.owner === 0 ? acting.aside(add) : add());
  };
  const opened = stack.move();
  return {
    async status() {
      const { kept, waiting, clear, isPartial } = await surveyVault(store);
      const known = keys('lately').map(({ id }) => id);
      const missing = [...kept.keys(), ...waiting.keys()].filter((id) => !known.includes(id));
      const ids = [...known, ...new Set(missing)];
      const uses = ids.map((id, index) => ({
        id,
        use:
          index === 0
            ? ('encrypts' as const)
            : known.includes(id)
              ? ('decrypts' as const)
              : ('missing' as const),
        kept: kept.get(id) ?? 0,
        waiting: waiting.get(id) ?? 0,
      }));
      return { source, keys: uses, clear, isPartial };
    },
    async rotate({ keepKey }) {
      await using keeper = keepLease({ leases: store.leases, name: 'vault rotate', log: silentLog });
      const lease = await keeper.held();
      if (lease === undefined) {
        throw serverFault('PARAMETER_KEYS_BUSY', 'another rotation of the parameter keys is in progress', {
          hint: 'wait for its end; if it was killed, it is over after 30 seconds',
        });
      }
      if (!keepKey) await (given === undefined ? addTo(file) : addToGiven(given));
      const [{ id: newest }] = keys('lately');
      const report = await reseal(store, createVault(keys), newest, store.under(lease));
      if ('facts' in store) await noteSharedKeys(keys, store.under(lease).facts);
      return { newest, ...report };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function addTo(file: string | undefined): Promise<void> {
  if (file !== undefined) {
    await addKey(file);
    // A running server must not seal anything more with the older key.
    await sleep(noticedAfterMs);
    return;
  }
  throw serverFault('PARAMETER_KEYS_INVALID', 'the parameter keys are in WARD_PARAMETER_KEYS', {
    hint: 'add a new key at its start, restart Ward, and rotate with --keep-key',
  });
}
