/** Puts the domain's services together, from the parts that the composition root provides. */

import type { BlobStore } from '../blobs/index.ts';
import type { AdmissionControl, Dispatcher, OwnCalls } from '../dispatch/index.ts';
import { closedCeiling } from '../egress/index.ts';
import { type Fault, type Log, messageOf } from '../lib/index.ts';
import type { Store, UsageQuery } from '../store/index.ts';
import { type ActionService, Actions } from './actions/actions.ts';
import type { CodeGate } from './actions/code-gate.ts';
import { type CodeStore, createCodeStore } from './actions/code-store.ts';
import { codeGraceMs } from './actions/code-sweep.ts';
import { defaultRuntimes, type Runtime } from './actions/runtimes.ts';
import { createActionFigures, type ReadActionFigures } from './activations/action-figures.ts';
import type { ActivationService } from './activations/activations.ts';
import { createErrorGroups, type GroupErrors } from './activations/error-groups.ts';
import { type FollowLog, followActivation, ownCalls } from './activations/following.ts';
import { prefetchImage } from './activations/image-prefetch.ts';
import type { InvocationService } from './activations/invocations.ts';
import { grantLoads } from './activations/load-grants.ts';
import { createLogSearch, type SearchLogs } from './activations/log-search.ts';
import { createRecordQuota, type RecordQuota, type RecordWatch } from './activations/record-quota.ts';
import { type Tracing, traceIdOf, traceIdOfRequest } from './activations/trace-context.ts';
import { type CallsUnderWay, type CancelCall, createCallsUnderWay } from './activations/under-way.ts';
import type { BuiltinAction } from './builtin.ts';
import { type Calls, createCalls } from './calls.ts';
import { createDomains, type DomainRules, type DomainService } from './domains/domains.ts';
import { announceWrites } from './entities/announced-writes.ts';
import { type ChangeWatch, watchChanges } from './entities/change-watch.ts';
import type { Changed, Forgetful } from './entities/changed.ts';
import type { DeletedEntities, PlainRef } from './entities/entity-row.ts';
import { createParameterReads, type ParameterReads } from './entities/parameter-reads.ts';
import { createEvents, type Events } from './events.ts';
import type { FeedLimits } from './feeds/feeds.ts';
import { createApiManager } from './gateway/apimgmt.ts';
import { type ApiService, createApis } from './gateway/apis.ts';
import { defaultLimits, type SystemLimits } from './limits.ts';
import {
  createLogForwarding,
  type ForwardingRules,
  type LogForwarding,
  type LogForwardingService,
} from './log-forwarding/log-forwarding.ts';
import { type BrowserLogins, createBrowserLogins } from './logins/browser-logins.ts';
import { createMembers, type MemberService } from './logins/members.ts';
import {
  createTokenExchange,
  type LoginOptions,
  noLogins,
  type TokenExchange,
} from './logins/token-exchange.ts';
import { type CallFigures, type CallFiguresQuery, callFigures } from './namespaces/call-figures.ts';
import { type EgressQuery, type EgressTargets, listEgress } from './namespaces/egress-targets.ts';
import { expelDeleted } from './namespaces/expel-deleted.ts';
import type { IsCurrent } from './namespaces/identities.ts';
import { type NamespaceService, Namespaces } from './namespaces/namespaces.ts';
import { createQuotas, type DiskAdmission, type Quotas } from './namespaces/quotas.ts';
import { type UsageRow, usageRows } from './namespaces/usage.ts';
import { createPackages, type PackageService } from './packages/packages.ts';
import { type CredentialWatch, createCredentialWatch } from './sessions/credential-watch.ts';
import { createSessions, type SessionService } from './sessions/sessions.ts';
import type { DeliveryService } from './triggers/deliveries.ts';
import type { FiringService } from './triggers/firing.ts';
import type { RuleService } from './triggers/rules.ts';
import type { TriggerService } from './triggers/triggers.ts';
import type { Vault } from './vault/vault.ts';

export interface FunctionsOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly admission: AdmissionControl;
  readonly dispatcher: Omit<Dispatcher, 'status'>;
  readonly vault: Vault;
  /** No other server uses the store and the blobs at the same time. */
  readonly isAlone: boolean;
  /** Time that unneeded code stays when another server could need it; ms. By default an hour. */
  readonly codeGraceMs?: number;
  /** Asked before code is deployed and run. Absent: everything is allowed. */
  readonly gate?: CodeGate;
  /** URL under which clients reach Ward. */
  readonly apiHost: () => string;
  readonly log: Log;
  /** Overrides of the defaults. */
  readonly limits?: Partial<SystemLimits>;
  readonly feedLimits?: Partial<FeedLimits>;
  readonly runtimes?: readonly Runtime[];
  /** Bytes of the images that a namespace has pushed. Absent: there is no registry. */
  readonly registryBytes?: (namespace: string) => Promise<number>;
  readonly watchRecords?: RecordWatch;
  /** Called for each call that is refused because the platform has no room for it. */
  readonly onOverload?: (fault: Fault) => void;
  /** Called with how far the clock was set, in milliseconds. Negative if back. */
  readonly onClockJump?: (jumpMs: number) => void;
  /** Asked before writes that fill the disk. Absent: there is always room. */
  readonly disk?: DiskAdmission;
  /** Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** Where namespaces may send their logs. Absent: nowhere. */
  readonly forwarding?: ForwardingRules | undefined;
  /** Absent: those of the host, and no names but the one in `apiHost`. */
  readonly domains?: DomainRules | undefined;
  /**
   * Called after each write of what other servers keep in their caches, to send them a hint: see `lookForChanges`.
   * Must not throw.
   */
  readonly onChanged?: () => void;
  /** Called when what the gate judges by may have changed in the database. Must not throw. */
  readonly onGateChanged?: () => void;
  /** Called when another server changed what is attached to these images, or to any. Must not throw. */
  readonly onEvidenceChanged?: (images: ReadonlySet<string> | undefined) => void;
  /** Follows the log of an activation that another server has taken. Absent: there are none. */
  readonly followElsewhere?: FollowLog | undefined;
  /** Ends an activation that another server has taken. False: none has it. Absent: there are none. */
  readonly cancelElsewhere?: CancelCall | undefined;
  /** Absent: no token of another issuer is worth a key. */
  readonly logins?: LoginOptions;
  /** How often it looks for changes of other servers without a hint. Absent: four times a second. */
  readonly lookEveryMs?: number;
}

export interface Functions {
  readonly limits: SystemLimits;
  readonly runtimes: readonly Runtime[];
  readonly namespaces: NamespaceService;
  /** Of browsers. */
  readonly sessions: SessionService;
  /** For what clients keep open. */
  readonly credentials: Pick<CredentialWatch, 'watch'>;
  readonly exchange: TokenExchange;
  /** At issuers, for the console. */
  readonly browserLogins: BrowserLogins;
  /** People who have logged in to a namespace. */
  readonly members: MemberService;
  readonly quotas: Pick<Quotas, 'usage'> & {
    /** Deletes the oldest records of namespaces that exceed their record quota. */
    enforce(): Promise<void>;
  };
  /** What namespaces used on each day, by day. */
  usage(query: UsageQuery): AsyncGenerator<UsageRow, void>;
  /** What functions reached over the network, and what was refused to them, by target. */
  egress(query: EgressQuery): Promise<EgressTargets>;
  /** How the calls of all namespaces go now. */
  callFigures(query: CallFiguresQuery): Promise<CallFigures>;
  readonly packages: PackageService;
  readonly actions: ActionService;
  readonly parameterReads: ParameterReads;
  readonly triggers: TriggerService;
  readonly rules: RuleService;
  readonly firing: FiringService;
  readonly deliveries: Omit<DeliveryService, 'begin' | 'start' | 'close'>;
  readonly feeds: Pick<Events['feeds'], 'openWebhook' | 'list'>;
  readonly apis: ApiService;
  readonly domains: DomainService;
  readonly logForwarding: LogForwardingService;
  readonly searchLogs: SearchLogs;
  readonly groupErrors: GroupErrors;
  readonly readFigures: ReadActionFigures;
  readonly activations: Omit<ActivationService, 'expect' | 'arrived'>;
  readonly invocations: InvocationService;
  readonly underWay: CallsUnderWay;
  /** The trace of a request, for log lines. @param traceparent the header of that name */
  traceIdOf(traceparent: string | undefined, transactionId: string): string | undefined;
  /** The trace of an activation that runs or waits here, for log lines. Undefined: it has none. */
  traceIdOfCall(activationId: string): string | undefined;
  /** Built-in actions of `/whisk.system`. */
  readonly builtins: readonly BuiltinAction[];
  readonly code: Pick<CodeStore, 'drop' | 'keep'>;
  /**
   * Drops from the caches what other servers changed before this call. Ward looks four times a second anyway; a hint
   * from another server only makes it look at once. Never rejects.
   */
  lookForChanges(): Promise<void>;
  /**
   * Follows the log of an activation, from now until its record can be read or there will be none. Undefined if no
   * such activation is under way in the namespace. The signal ends it without an error.
   */
  readonly follow: FollowLog;
  /** The logs of the activations that this server has taken, for other servers. */
  readonly ownCalls: OwnCalls;
  /**
   * Resumes calls that an earlier run accepted and did not end, now and from then on, and starts alarms and retries. All
   * of that goes on in the background, for as long as the calls take. Resolves when it has begun; never rejects. Call it
   * once, when invocations can be run.
   */
  start(): Promise<void>;
  /**
   * Refuses new invocations, waits for those under way, and records those that take longer than `drainMs` as
   * interrupted. Call it before the invoker and the store are closed.
   */
  close(drainMs: number): Promise<void>;
}

export function createFunctions(options: FunctionsOptions): Functions {
  const recordQuota = createRecordQuota({
    ...options,
    activations: options.store.activations,
    watch: options.watchRecords,
  });
  const given = {
    ...options,
    store: { ...announceWrites(options.store, options.onChanged), activations: recordQuota.activations },
    admission: { ...options.admission, ...recordQuota.guard(options.admission) },
    limits: { ...defaultLimits, ...options.limits },
    runtimes: options.runtimes ?? defaultRuntimes,
  };
  const { dispatcher, store } = given;
  const builtins = new Map<string, BuiltinAction>();
  const watch = watchOthers(given, () => ({
    namespaces,
    // The last one looks at what the first one has dropped.
    caches: [namespaces, actions, firing, apis, domains, logForwarding, logins.credentials],
  }));
  const holdings = createHoldings({ ...given, builtins, isCurrent: () => watch.isCurrent() });
  const { namespaces, quotas, actions } = holdings;
  const forwardingRules = options.forwarding ?? { ceiling: closedCeiling };
  const logins = createLogins(given, namespaces);
  const logForwarding = createLogForwarding({ ...given, rules: forwardingRules });
  const calls = createCalls({
    ...given,
    ...holdings,
    onRecordLost: () => options.watchRecords?.lost(),
    onKept: options.forwarding && logForwarding.recorded,
  });
  const { activations, executions, invocations } = calls;
  const apis = createApis(quotas.apis);
  const domains = createDomains({ ...given, store: store.domains, rules: options.domains });
  const parameterReads = createParameterReads(store.unsealed);
  const events = createEvents({
    ...given,
    ...holdings,
    parameterReads,
    entities: quotas.entities,
    executions,
    invoke: invocations.invoke,
  });
  const { triggers, rules, firing, deliveries, feeds } = events;
  const { apiHost } = options;
  const own = [...feeds.actions, ...createApiManager({ apis, actions, apiHost, parameterReads })];
  for (const each of own) builtins.set(each.path, each);
  const watches = new DisposableStack();
  watches.use(watch);
  watches.use(domains);
  watches.use(grantLoads(given));

  return {
    ...holdings,
    ...logins,
    parameterReads,
    limits: given.limits,
    runtimes: given.runtimes,
    triggers,
    rules,
    firing,
    deliveries,
    feeds,
    apis,
    domains,
    logForwarding,
    searchLogs: createLogSearch(store.activations),
    groupErrors: createErrorGroups(store.activations),
    readFigures: createActionFigures(store.activations),
    activations,
    invocations,
    underWay: createCallsUnderWay({
      ...options,
      executions,
      accepted: store.accepted,
      unsealed: store.unsealed,
    }),
    traceIdOf: (...of) => traceIdOfRequest(...of, options.tracing !== undefined),
    traceIdOfCall: (activationId) => traceIdOf(executions.find(activationId)?.task ?? {}),
    builtins: own,
    lookForChanges: () => watch.look(),
    quotas: {
      usage: quotas.usage,
      async enforce() {
        for (const { name, limits } of await namespaces.list()) await recordQuota.enforce(name, limits);
      },
    },
    follow: (...of) => followActivation({ ...options, executions, accepted: store.accepted }, ...of),
    ownCalls: ownCalls({ executions, dispatcher }),
    usage: (query) => usageRows(store.usage, query),
    egress: (query) => listEgress(store.egress, query),
    callFigures: (query) => callFigures(store.usageSlots, query),
    ...lifeOf(calls, events, recordQuota, logForwarding, watches, options.log),
  };
}

/** How clients other than those with a key get in. */
function createLogins(
  { store, apiHost, logins = noLogins }: FunctionsOptions,
  namespaces: NamespaceService,
): Pick<Functions, 'sessions' | 'exchange' | 'browserLogins' | 'members'> & {
  readonly credentials: CredentialWatch;
} {
  const { keys, spentTokens, namespaceMembers: members } = store;
  const sessions = createSessions(store.sessions, namespaces);
  const common = { ...logins, namespaces, keys, members, spentTokens };
  const onKeysGone = () => namespaces.forget();
  return {
    sessions,
    credentials: createCredentialWatch({ namespaces, sessions }),
    exchange: createTokenExchange({ ...common, onKeysGone }),
    members: createMembers({ members, onKeysGone }),
    browserLogins: createBrowserLogins({ ...common, sessions, apiHost }),
  };
}

function lifeOf(
  { invocations, lease }: Calls,
  events: Events,
  recordQuota: Pick<RecordQuota, 'close'>,
  logForwarding: Pick<LogForwarding, 'close'>,
  watches: Disposable,
  log: Log,
): Pick<Functions, 'start' | 'close'> {
  return {
    async start() {
      const resumed = invocations.resumeAccepted();
      events.start(resumed);
      void resumed
        .catch((error: unknown) => log.error({ err: error }, 'could not resume accepted invocations'))
        .then(() => lease.onRenewed(invocations.resumeAccepted));
      await lease.held().catch(() => {});
    },
    async close(drainMs) {
      // Both refuse new work from here on.
      await Promise.all([events.close(), invocations.close(drainMs)]);
      await lease.close();
      await recordQuota.close();
      await logForwarding.close();
      watches[Symbol.dispose]();
    },
  };
}

interface Holdings {
  readonly namespaces: NamespaceService;
  readonly quotas: Quotas;
  readonly code: CodeStore;
  readonly packages: PackageService;
  readonly actions: ActionService;
}

/**
 * Creates the services for namespaces and what they deploy (actions, their code and their packages), within quotas.
 */
function createHoldings(
  options: FunctionsOptions & {
    readonly limits: SystemLimits;
    readonly runtimes: readonly Runtime[];
    readonly builtins: ReadonlyMap<string, BuiltinAction>;
    readonly isCurrent: IsCurrent;
  },
): Holdings {
  const { store, vault, isAlone, limits, isCurrent, log, disk } = options;
  const onActionsDeleted = (deleted: DeletedEntities) => actions.clearAway(deleted);
  const namespaces = new Namespaces(store, limits, { onActionsDeleted, isCurrent });
  const quotas = createQuotas({ ...options, limitsOf: (name) => namespaces.identityOf(name) });
  const { entities } = quotas;
  const { codeMarks: marks, accepted } = store;
  const graceMs = options.codeGraceMs ?? codeGraceMs(0);
  // A bucket can carry a removal out later than it was asked to.
  const removesAtOnce = isAlone && options.blobs.lateMs === 0;
  const sharing = removesAtOnce ? undefined : { marks, graceMs };
  const code = createCodeStore(options.blobs, { entities, accepted }, log, disk, sharing);
  const onChanged = (ref: PlainRef) => actions.packageChanged(ref);
  const packages = createPackages({ entities, vault, limits, onChanged, onActionsDeleted });
  const actions: Actions = new Actions({
    ...options,
    entities,
    packages,
    // Another server may be about to load the code, so the sweep removes it after its grace period. With a bucket it does
    // so, too: code that is deployed again would have to wait for a removal without an answer.
    code: removesAtOnce ? code : { ...code, drop: async () => {} },
    onPut(ref, writer) {
      const prefetch = async () =>
        prefetchImage(options, await actions.resolve(ref, writer.namespace), writer);
      // Then its first call says what is wrong with it.
      prefetch().catch((error) => log.debug({ reason: messageOf(error) }, 'no image was brought ahead'));
    },
  });
  return { namespaces, quotas, code, packages, actions };
}

/** Drops from the caches what other processes changed. */
function watchOthers(
  options: FunctionsOptions,
  parts: () => { readonly namespaces: NamespaceService; readonly caches: readonly Forgetful[] },
): ChangeWatch {
  const { store, dispatcher, isAlone, lookEveryMs, onGateChanged, onEvidenceChanged, log } = options;
  const onChanged = (changed: Changed | undefined) => {
    const { namespaces, caches } = parts();
    for (const each of caches) each.forget(changed);
    if (changed?.isGate !== false) onGateChanged?.();
    if (!isAlone && changed?.evidence.size !== 0) onEvidenceChanged?.(changed?.evidence);
    if (changed?.namespaces.size !== 0) void expelDeleted({ dispatcher, namespaces, log }, changed);
  };
  return watchChanges({ changes: store.changes, onChanged, everyMs: lookEveryMs, log });
}
