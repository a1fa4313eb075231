/** Opens the domain, with the namespaces that always exist. */
import type { BlobStore } from '../../blobs/index.ts';
import { createAdmissionControl, type Dispatcher } from '../../dispatch/index.ts';
import { createFunctions, createVault, type DiskAdmission, type Functions } from '../../functions/index.ts';
import { withoutUndefined } from '../config/config.ts';
import { ensureGuest } from '../first-namespace.ts';
import type { GuardedImages } from '../gate/guarded-images.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { openVaultKeys } from '../secrets/vault-keys.ts';
import type { Context } from './context.ts';
import type { Foundation } from './foundation.ts';
import { observedAdmission, observedDispatcher, observedGate } from './metrics/observed.ts';
import { admitRecord } from './record-keeping.ts';
import { createSecurityTrigger, securityEvents } from './security-trigger.ts';
import { ensureSystemNamespace } from './system-namespace.ts';

interface DomainParts {
  readonly foundation: Foundation;
  readonly blobs: BlobStore;
  readonly guarded: Pick<GuardedImages, 'codeGate' | 'registryBytes'>;
  /** Runs actions, here or elsewhere. */
  readonly dispatcher: Dispatcher;
  readonly secrets: Secrets;
  /** Firings of the security trigger that are not durable yet. */
  readonly unfinished: Set<Promise<void>>;
}

interface Domain {
  readonly functions: Functions;
  readonly keyring: Awaited<ReturnType<typeof openVaultKeys>>;
  /** Key of the first namespace, if it was created by this start. */
  readonly guestKey: string | undefined;
}

/** Close its `functions` before the parts that it uses. @throws Fault PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE */
export async function openDomain(context: Context, parts: DomainParts): Promise<Domain> {
  const { config, figures, events, limits, runtimes, apiHost, log } = context;
  const { foundation, blobs, guarded, dispatcher, secrets, unfinished } = parts;
  const { store, paths } = foundation;
  const keyring = await openVaultKeys(config, secrets.parameterKeys, true);
  const functions = createFunctions({
    store,
    blobs,
    admission: observedAdmission(createAdmissionControl(), figures),
    dispatcher: observedDispatcher(dispatcher, figures),
    vault: createVault(keyring.keys),
    // The lock of the data folder ensures this.
    isAlone: true,
    gate: observedGate(guarded.codeGate, figures),
    apiHost,
    log,
    limits,
    runtimes,
    feedLimits: withoutUndefined(config.feeds),
    registryBytes: guarded.registryBytes,
    watchRecords: figures.records,
    onClockJump: figures.clockSet,
    disk: diskAdmission(context, foundation),
  });
  events.registryQuota = async (namespace) =>
    (await functions.namespaces.identityOf(namespace))?.limits.registryQuotaBytes;
  await ensureSystemNamespace({ functions, store: store.namespaces, builtins: functions.builtins });
  events.fireSecurity = createSecurityTrigger(functions, unfinished, log);
  events.gateChanged = securityEvents(events.fireSecurity, log);
  const guestKey = await ensureGuest(functions.namespaces, paths.guestKey);
  return { functions, keyring, guestKey };
}

function diskAdmission(
  { config, isServing }: Pick<Context, 'config' | 'isServing'>,
  { disk, memory, store }: Foundation,
): DiskAdmission {
  return {
    admitWrite(bytes) {
      // Ward's own writes at its start are exempt.
      if (isServing()) disk.admitWrite(bytes);
    },
    admitCall(isAccepted) {
      disk.admitCall();
      admitRecord(store.recording, config.records.whenUnable, isAccepted);
      memory.admit();
    },
  };
}
