/** Opens the domain, with the namespaces that always exist. */
import type { BlobStore } from '../../blobs/index.ts';
import { createAdmissionControl, type Dispatcher, type LimitShare } from '../../dispatch/index.ts';
import { resolverOf } from '../../egress/index.ts';
import {
  codeGraceMs,
  createFunctions,
  createVault,
  type DiskAdmission,
  type ForwardingRules,
  type Functions,
  type Tracing,
  txtResolverOf,
  type VaultKeySource,
} from '../../functions/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import { domainCertificate } from '../acme/kept.ts';
import { OrderBudget } from '../acme/order-budget.ts';
import { type Config, withoutUndefined } from '../config/config.ts';
import { ensureGuest } from '../first-namespace.ts';
import type { GuardedImages } from '../gate/guarded-images.ts';
import type { DataPart } from '../instance/missing-parts.ts';
import { checkSharedKeys, refuseNewKeys } from '../secrets/key-check.ts';
import type { GivenKeys, Secrets } from '../secrets/secrets.ts';
import { openVaultKeys } from '../secrets/vault-keys.ts';
import type { Context } from './context.ts';
import type { Dispatching } from './dispatching.ts';
import type { Foundation } from './foundation.ts';
import { observedAdmission, observedDispatcher, observedGate } from './metrics/observed.ts';
import { admitRecord } from './record-keeping.ts';
import { createSecurityTrigger, securityEvents } from './security-trigger.ts';
import { ensureSystemNamespace } from './system-namespace.ts';
import { loginOptions } from './token-guard.ts';

type Keyring = Awaited<ReturnType<typeof openVaultKeys>>;

interface DomainParts {
  readonly foundation: Foundation;
  readonly blobs: BlobStore;
  readonly guarded: Pick<
    GuardedImages,
    'codeGate' | 'registryBytes' | 'changedElsewhere' | 'evidenceChangedElsewhere'
  >;
  /** Runs actions, here or elsewhere. */
  readonly dispatcher: Dispatcher;
  /** The part of each limit that this server allows. Undefined: all of it. */
  readonly limitShare: LimitShare | undefined;
  /** Undefined: nothing is traced. */
  readonly tracing: Tracing | undefined;
  /** Tells other servers that the store was changed. Undefined: there are none. */
  readonly tellChanged: (() => void) | undefined;
  /** Undefined: there are none. */
  readonly followElsewhere: Dispatching['followElsewhere'];
  /** Undefined: there are none. */
  readonly cancelElsewhere: Dispatching['cancelElsewhere'];
  readonly secrets: Secrets;
  /** Missing parts of a used data folder that Ward may create again. */
  readonly acceptMissing: readonly DataPart[];
  /** Firings of the security trigger that are not durable yet. */
  readonly unfinished: Set<Promise<void>>;
}

interface Domain {
  readonly functions: Functions;
  readonly keyring: Keyring;
  /** Key of the first namespace, if it was created by this start. */
  readonly guestKey: string | undefined;
}

/**
 * Close its `functions` before the parts that it uses.
 * @throws Fault PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE, PARAMETER_KEYS_DIFFER
 */
export function openDomain(context: Context, parts: DomainParts): Promise<Domain> {
  const { shared } = parts.foundation;
  // Two servers that start at once must not both create the first namespace, its key and the keys for parameters.
  return shared === undefined ? openHere(context, parts) : shared.alone(() => openHere(context, parts));
}

async function openHere(context: Context, parts: DomainParts): Promise<Domain> {
  const { events, log } = context;
  const { foundation, secrets, unfinished } = parts;
  const { store, paths } = foundation;
  const keyring = await openKeyring(context, parts, secrets.parameterKeys);
  const functions = domainFunctions(context, parts, keyring.keys);
  events.storeChanged = () => void functions.lookForChanges();
  if (parts.tellChanged !== undefined) events.tellOthers = parts.tellChanged;
  events.ownCalls = functions.ownCalls;
  events.traceIdOfCall = functions.traceIdOfCall;
  events.registryQuota = async (namespace) =>
    (await functions.namespaces.identityOf(namespace))?.limits.registryQuotaBytes;
  await ensureSystemNamespace({ functions, store: store.namespaces, builtins: functions.builtins });
  events.fireSecurity = createSecurityTrigger(functions, unfinished, log);
  events.gateChanged = securityEvents(events.fireSecurity, log);
  await functions.domains.load();
  const guestKey = await ensureGuest(functions.namespaces, paths.guestKey);
  return { functions, keyring, guestKey };
}

/** The keys that encrypt parameters, which all servers of a store must have. */
async function openKeyring(
  { config, log }: Context,
  { foundation: { shared, paths }, acceptMissing }: DomainParts,
  given: GivenKeys | undefined,
): Promise<Keyring> {
  const isLossAccepted = acceptMissing.includes('keys');
  const facts = shared?.facts;
  const source = given?.source ?? paths.parameterKeys;
  if (facts !== undefined && given === undefined && !isLossAccepted) await refuseNewKeys({ facts, source });
  const keyring = await openVaultKeys(config, given, true);
  if (facts !== undefined) await checkSharedKeys(keyring.keys, { facts, source, isLossAccepted, log });
  return keyring;
}

function domainFunctions(context: Context, parts: DomainParts, keys: VaultKeySource): Functions {
  const { config, events, figures, limits, runtimes, apiHost, log } = context;
  const {
    foundation,
    blobs,
    guarded,
    dispatcher,
    limitShare,
    tellChanged,
    followElsewhere,
    cancelElsewhere,
    tracing,
  } = parts;
  const { store, shared } = foundation;
  const acme = config.tls?.acme;
  return createFunctions({
    store,
    blobs,
    admission: observedAdmission(
      createAdmissionControl(limitShare === undefined ? {} : { share: limitShare }),
      figures,
    ),
    dispatcher: observedDispatcher(dispatcher, figures),
    vault: createVault(keys),
    // The lock of the data folder ensures this for a store that is in it.
    isAlone: shared === undefined,
    codeGraceMs: codeGraceMs(config.retention.everyMinutes * 60_000),
    gate: observedGate(guarded.codeGate, figures),
    onGateChanged: guarded.changedElsewhere,
    onEvidenceChanged: guarded.evidenceChangedElsewhere,
    apiHost,
    log,
    limits,
    runtimes,
    feedLimits: withoutUndefined(config.feeds),
    registryBytes: guarded.registryBytes,
    watchRecords: figures.records,
    onOverload: ({ code }) => figures.overloaded(code),
    onClockJump: figures.clockSet,
    disk: diskAdmission(context, foundation),
    forwarding: forwardingRules(config),
    domains: {
      ownNames: acme?.names ?? [],
      resolveTxt: txtResolverOf(config.domains.resolvers),
      certificateOf:
        acme &&
        ((domain) => {
          const budget = new OrderBudget(store.acme, acme.ordersPerDay);
          return domainCertificate({ ...store, budget }, domain, events.certificatePlaceOf(domain.name));
        }),
    },
    logins: loginOptions(context),
    tracing,
    followElsewhere,
    cancelElsewhere,
    ...(tellChanged === undefined ? {} : { onChanged: tellChanged }),
  });
}

/** Undefined: the operator allows no destination. */
function forwardingRules({ logForwarding, sandbox }: Config): ForwardingRules | undefined {
  const { ceiling, egress } = operatorPolicy(sandbox);
  const { public: isPublic, rules } = logForwarding.allow ?? ceiling.egress;
  if (!isPublic && rules.length === 0) return undefined;
  return { ceiling: { public: isPublic, rules }, resolve: resolverOf(egress.resolvers) };
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
