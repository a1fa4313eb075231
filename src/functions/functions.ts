/** Puts the domain's services together; the composition root hands in what they stand on. */

import type { BlobStore } from '../blobs/index.ts';
import type { AdmissionControl, Dispatcher, LogPiece } from '../dispatch/index.ts';
import { type Log, messageOf } from '../lib/index.ts';
import type { Store } from '../store/index.ts';
import { type ActionService, Actions } from './actions/actions.ts';
import type { CodeGate } from './actions/code-gate.ts';
import { type CodeStore, createCodeStore } from './actions/code-store.ts';
import { defaultRuntimes, type Runtime } from './actions/runtimes.ts';
import { type ActivationService, createActivations } from './activations/activations.ts';
import { createComponents } from './activations/components.ts';
import { compose } from './activations/composer.ts';
import { Executions } from './activations/executions.ts';
import { followActivation } from './activations/following.ts';
import { createInvocations, type InvocationService } from './activations/invocations.ts';
import { findPending } from './activations/pending.ts';
import { createQueueLease } from './activations/queue-lease.ts';
import { createRecordQuota, type RecordWatch } from './activations/record-quota.ts';
import type { BuiltinAction } from './builtin.ts';
import { watchForeignWrites } from './entities/foreign-writes.ts';
import { createEvents, type Events } from './events.ts';
import type { FeedLimits } from './feeds/feeds.ts';
import { createApiManager } from './gateway/apimgmt.ts';
import { type ApiService, createApis } from './gateway/apis.ts';
import { defaultLimits, type SystemLimits } from './limits.ts';
import { createNamespaces, type NamespaceService } from './namespaces/namespaces.ts';
import { createQuotas, type DiskAdmission, type Quotas } from './namespaces/quotas.ts';
import { createPackages, type PackageService } from './packages/packages.ts';
import type { DeliveryService } from './triggers/deliveries.ts';
import type { FiringService } from './triggers/firing.ts';
import type { RuleService } from './triggers/rules.ts';
import type { TriggerService } from './triggers/triggers.ts';
import type { Vault } from './vault/vault.ts';

export interface FunctionsOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly admission: AdmissionControl;
  readonly dispatcher: Omit<Dispatcher, 'status' | 'cancel'>;
  readonly vault: Vault;
  /** No other server works on the store and the blobs while this one does. */
  readonly isAlone: boolean;
  /** Asked before code is deployed and run; absent: everything may. */
  readonly gate?: CodeGate;
  /** URL under which clients reach Ward. */
  readonly apiHost: () => string;
  readonly log: Log;
  /** What differs from the defaults. */
  readonly limits?: Partial<SystemLimits>;
  readonly feedLimits?: Partial<FeedLimits>;
  readonly runtimes?: readonly Runtime[];
  /** Bytes of the images that a namespace has pushed; absent: there is no registry. */
  readonly registryBytes?: (namespace: string) => Promise<number>;
  readonly watchRecords?: RecordWatch;
  /** Told how far the clock was set, in milliseconds: negative when back. */
  readonly onClockJump?: (jumpMs: number) => void;
  /** Asked before writes that fill the disk; absent: there is always room. */
  readonly disk?: DiskAdmission;
}

export interface Functions {
  readonly limits: SystemLimits;
  readonly runtimes: readonly Runtime[];
  readonly namespaces: NamespaceService;
  readonly quotas: Pick<Quotas, 'usage'> & {
    /** Deletes the oldest records of namespaces whose records are larger than they may be. */
    enforce(): Promise<void>;
  };
  readonly packages: PackageService;
  readonly actions: ActionService;
  readonly triggers: TriggerService;
  readonly rules: RuleService;
  readonly firing: FiringService;
  readonly deliveries: Omit<DeliveryService, 'begin' | 'start' | 'close'>;
  readonly feeds: Pick<Events['feeds'], 'openWebhook'>;
  readonly apis: ApiService;
  readonly activations: Omit<ActivationService, 'expect' | 'arrived'>;
  readonly invocations: InvocationService;
  /** Of `/whisk.system`: what Ward itself does when it is called. */
  readonly builtins: readonly BuiltinAction[];
  readonly code: Pick<CodeStore, 'drop'>;
  /**
   * The log of an activation, from now until its record can be read or there will be none. Undefined when no such activation
   * is under way in the namespace. Of an accepted one that another server runs, there are no lines, and its end is told.
   * The signal ends it, and throws nothing.
   */
  follow(
    namespace: string,
    activationId: string,
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogPiece> | undefined>;
  /**
   * Deals with what an earlier run accepted and did not end, now and from then on, and lets alarms and retries go on.
   * Settles when what was left has been dealt with. Call once, when invocations can be run.
   */
  start(): Promise<void>;
  /**
   * Refuses new invocations, waits for those under way, and records as interrupted what takes longer than
   * `drainMs`. Call before the invoker and the store are closed.
   */
  close(drainMs: number): Promise<void>;
}

export function createFunctions(options: FunctionsOptions): Functions {
  const { vault, dispatcher, isAlone, gate, log, disk } = options;
  const recordQuota = createRecordQuota({
    activations: options.store.activations,
    log,
    disk,
    watch: options.watchRecords,
  });
  const store: Store = { ...options.store, activations: recordQuota.activations };
  const admission = { ...options.admission, ...recordQuota.guard(options.admission) };
  const { accepted } = store;
  const limits = { ...defaultLimits, ...options.limits };
  const runtimes = options.runtimes ?? defaultRuntimes;
  const builtins = new Map<string, BuiltinAction>();
  const namespaces = createNamespaces(store, limits, { onActionsDeleted: (rows) => actions.clearAway(rows) });
  const quotas = createQuotas({ ...options, limitsOf: namespaces.identityOf });
  const { entities } = quotas;
  const code = createCodeStore(options.blobs, entities, log, disk);
  const packages = createPackages({
    entities,
    vault,
    limits,
    onChanged: () => actions.forget(),
    onActionsDeleted: (rows) => actions.clearAway(rows),
  });
  const actions = new Actions({
    entities,
    packages,
    // Another server may be about to load it: the sweep takes it when its grace is over.
    code: isAlone ? code : { ...code, drop: async () => {} },
    vault,
    dispatcher,
    limits,
    runtimes,
    builtins,
    gate,
  });
  const activations: ActivationService = createActivations(
    store.activations,
    (namespace, id) => findPending({ executions, accepted, vault }, namespace, id),
    isAlone,
  );
  const lease = createQueueLease({ accepted, isAlone, log });
  const executions: Executions = new Executions({
    store,
    lease,
    dispatcher,
    compose: (...parts) =>
      compose({ actions, namespaces, components, maxLength: limits.sequenceLength, log }, ...parts),
    code,
    gate,
    vault,
    namespaces,
    activations,
    disk,
    onRecordLost: () => options.watchRecords?.lost(),
    log,
  });
  const components = createComponents({ executions, activations: store.activations, dispatcher, gate });
  const invocations = createInvocations({
    actions,
    accepted,
    lease,
    activations: store.activations,
    admission,
    executions,
    gate,
    disk,
    recording: store.recording,
    vault,
    log,
  });
  const apis = createApis(quotas.apis);
  const events = createEvents({
    ...options,
    store,
    admission,
    entities,
    limits,
    actions,
    namespaces,
    executions,
    invoke: invocations.invoke,
  });
  for (const each of [
    ...events.feeds.actions,
    ...createApiManager({ apis, actions, apiHost: options.apiHost }),
  ]) {
    builtins.set(each.path, each);
  }
  const watch = watchForeignWrites(
    store,
    () => {
      for (const each of [namespaces, actions, events.firing, apis]) each.forget();
      expelDeleted(dispatcher, namespaces).catch((error) => {
        log.warn({ reason: messageOf(error) }, 'cannot see whether a namespace was deleted');
      });
    },
    log,
  );

  return {
    limits,
    runtimes,
    namespaces,
    quotas: {
      usage: quotas.usage,
      async enforce() {
        for (const { name, limits: own } of await namespaces.list()) await recordQuota.enforce(name, own);
      },
    },
    packages,
    actions,
    triggers: events.triggers,
    rules: events.rules,
    firing: events.firing,
    deliveries: events.deliveries,
    feeds: events.feeds,
    apis,
    activations,
    invocations,
    builtins: [...builtins.values()],
    code,
    follow: (...following) => followActivation({ executions, dispatcher, accepted, isAlone }, ...following),
    async start() {
      const resumed = invocations.resumeAccepted();
      events.start(resumed);
      await resumed;
      lease.onRenewed(invocations.resumeAccepted);
    },
    async close(drainMs) {
      // Both refuse what comes from this moment on.
      await Promise.all([events.close(), invocations.close(drainMs)]);
      await lease.close();
      await recordQuota.close();
      watch[Symbol.dispose]();
    },
  };
}

/** A deleted namespace's calls end with it. */
async function expelDeleted(
  dispatcher: Pick<Dispatcher, 'namespaces' | 'expel'>,
  namespaces: Pick<NamespaceService, 'identityOf'>,
): Promise<void> {
  for (const name of dispatcher.namespaces())
    if ((await namespaces.identityOf(name)) === undefined) dispatcher.expel(name);
}
