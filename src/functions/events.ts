/** Puts together triggers and rules, what fires them, and what follows from it. */
import type { AdmissionControl } from '../dispatch/index.ts';
import type { Log } from '../lib/index.ts';
import type { EntityStore, Store } from '../store/index.ts';
import type { ActionService } from './actions/actions.ts';
import type { Executions } from './activations/executions.ts';
import type { InvocationService } from './activations/invocations.ts';
import type { ParameterReads } from './entities/parameter-reads.ts';
import { createFeeds, type FeedLimits, type Feeds } from './feeds/feeds.ts';
import type { SystemLimits } from './limits.ts';
import type { NamespaceService } from './namespaces/namespaces.ts';
import { Deliveries, type DeliveryService } from './triggers/deliveries.ts';
import { createFiring, type FiringService } from './triggers/firing.ts';
import { createRules, type RuleService } from './triggers/rules.ts';
import { createTriggers, type TriggerService } from './triggers/triggers.ts';
import type { Vault } from './vault/vault.ts';

interface EventsOptions {
  readonly store: Store;
  readonly entities: EntityStore;
  readonly admission: Pick<AdmissionControl, 'admitFire'>;
  readonly vault: Vault;
  readonly limits: SystemLimits;
  readonly feedLimits?: Partial<FeedLimits>;
  readonly apiHost: () => string;
  readonly actions: Pick<ActionService, 'resolve'>;
  readonly namespaces: NamespaceService;
  readonly parameterReads: ParameterReads;
  readonly executions: Pick<Executions, 'find'>;
  readonly invoke: InvocationService['invoke'];
  readonly log: Log;
  readonly onClockJump?: ((jumpMs: number) => void) | undefined;
}

export interface Events {
  readonly triggers: TriggerService;
  readonly rules: RuleService;
  readonly firing: FiringService;
  readonly deliveries: DeliveryService;
  readonly feeds: Feeds;
  /** @param resumed resolves when calls accepted by an earlier run run again or wait, or have ended */
  start(resumed: Promise<unknown>): void;
  /** Stops firing and retrying. */
  close(): Promise<void>;
}

export function createEvents(options: EventsOptions): Events {
  const { store, entities, vault, limits, invoke, admission, namespaces, actions, executions, log } = options;
  const { activations } = store;
  const deliveries = new Deliveries({
    store,
    vault,
    invoke,
    recorded: (id) => executions.find(id)?.recorded.reached(),
    identify: (name) => namespaces.identityOf(name),
    log,
  });
  const firing = createFiring({
    entities,
    activations,
    admission,
    invoke,
    isUnderWay: (id) => executions.find(id) !== undefined,
    deliveries,
    vault,
  });
  const onChanged = firing.changed;
  const writes = createTriggers({ entities, vault, limits, onChanged });
  const triggers: TriggerService = {
    ...writes,
    async delete(ref, mayChange) {
      const was = await writes.delete(ref, mayChange);
      await feeds.forget(ref);
      return was;
    },
  };
  const rules = createRules({
    entities,
    limits,
    requireAction: async (action, caller) => actions.resolve(action, caller),
    onChanged,
  });
  const feeds = createFeeds({
    feeds: store.feeds,
    triggers,
    rules,
    namespaces,
    fire: firing.fire,
    parameterReads: options.parameterReads,
    vault,
    apiHost: options.apiHost,
    onClockJump: options.onClockJump,
    log,
    ...(options.feedLimits === undefined ? {} : { limits: options.feedLimits }),
  });
  return {
    triggers,
    rules,
    firing,
    deliveries,
    feeds,
    start(resumed) {
      deliveries.start(resumed);
      feeds.start();
    },
    async close() {
      await feeds.close();
      await deliveries.close();
    },
  };
}
