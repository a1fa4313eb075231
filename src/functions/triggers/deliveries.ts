/**
 * Reliable calls of rules, for rules with the annotation `retry`. A failed call is retried. One that was given up is
 * kept as a dead letter, with its payload, until its owner replays or deletes it.
 */
import { KeyedLock, type Log, newActivationId, newId } from '../../lib/index.ts';
import type { DeliveryRow, Store } from '../../store/index.ts';
import type { Caller } from '../activations/composed-call.ts';
import type { EntityName, NamespaceName } from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import { concurrentUpdate, notFound } from '../faults.ts';
import { lentScopeOf } from '../namespaces/key-scopes.ts';
import {
  type DeadLetter,
  type Delivery,
  deliveryOfRow,
  describeDeadLetter,
  placeOfDelivery,
  rowOfDelivery,
} from './delivery.ts';
import { type DueClock, startDueClock } from './delivery-clock.ts';
import { createDeliveryLedger } from './delivery-ledger.ts';
import { DeliveryTries, type DeliveryTriesOptions, leaseMs } from './delivery-tries.ts';
import type { RuleCall, StartedCall } from './rule-call.ts';

interface DeadLetterFilter {
  readonly namespace: NamespaceName;
  readonly rule: EntityName | undefined;
}

export interface DeliveryService {
  /** Calls a rule's action for the first time, and takes care of its outcome from then on. */
  begin(call: RuleCall): StartedCall;
  /** Newest first. */
  dead(filter: DeadLetterFilter, page: ListRange): Promise<readonly DeadLetter[]>;
  countDead(filter: DeadLetterFilter): Promise<number>;
  /**
   * Calls the action of a dead letter again, with all its tries, and first notes it in the audit log. The letter stays if the call is refused.
   * @throws Fault NOT_FOUND (also while it is being replayed), and what invoking throws
   */
  replay(id: string, caller: Caller): Promise<{ readonly activationId: string }>;
  /** @throws Fault NOT_FOUND */
  delete(namespace: NamespaceName, id: string): Promise<void>;
  /**
   * Starts the retries. Once `resumed` has resolved, judges the deliveries that an earlier process left under way.
   * @param resumed resolves when calls accepted by that process run or wait, or have ended
   */
  start(resumed: Promise<unknown>): void;
  /** Stops the retries and waits for pending writes. Call it before the store is closed. */
  close(): Promise<void>;
}

interface DeliveryServiceOptions
  extends Pick<DeliveryTriesOptions, 'vault' | 'invoke' | 'recorded' | 'identify'> {
  readonly store: Pick<Store, 'deliveries' | 'activations' | 'accepted' | 'unsealed'>;
  readonly log: Log;
}

/**
 * Limit of deliveries of one namespace that wait or are under way. A call beyond it is made once, without retries.
 */
const maxWaiting = 1000;
/** Number of deliveries that are processed together. */
const batchSize = 32;
/** How many are resumed at once at the start. Others are resumed when they are due. */
const maxTakenUp = 1000;

export class Deliveries implements DeliveryService {
  readonly #store: DeliveryServiceOptions['store']['deliveries'];
  readonly #unsealed: DeliveryServiceOptions['store']['unsealed'];
  readonly #vault: DeliveryServiceOptions['vault'];
  readonly #log: Log;
  readonly #ledger = createDeliveryLedger(maxWaiting);
  readonly #lock = new KeyedLock();
  readonly #tries: DeliveryTries;
  #clock: DueClock | undefined;
  #isClosing = false;

  constructor(options: DeliveryServiceOptions) {
    this.#store = options.store.deliveries;
    this.#unsealed = options.store.unsealed;
    this.#vault = options.vault;
    this.#log = options.log;
    this.#tries = new DeliveryTries({
      ...options,
      ledger: this.#ledger,
      lock: this.#lock,
      expect: (dueAt) => this.#clock?.expect(dueAt),
      isClosing: () => this.#isClosing,
    });
  }

  begin(call: RuleCall): StartedCall {
    const delivery = this.#newDelivery(call);
    const { activationId } = delivery;
    const { namespace } = delivery.rule;
    if (this.#ledger.enter(delivery.id, namespace, call.caller.authorization)) {
      return { activationId, failure: this.#beginDurably(delivery, call).catch((error: unknown) => error) };
    }
    this.#log.warn(
      { namespace, rule: delivery.rule.name },
      'too many deliveries wait: this one is tried once',
    );
    const failure = this.#tries.call(delivery, call.caller, call.payload).then(
      () => undefined,
      (error: unknown) => error,
    );
    return { activationId, failure };
  }

  async dead({ namespace, rule }: DeadLetterFilter, page: ListRange): Promise<readonly DeadLetter[]> {
    const rows = await this.#store.dead({ namespace, ...(rule === undefined ? {} : { rule }), ...page });
    return rows.map((row) => describeDeadLetter(deliveryOfRow(row)));
  }

  countDead({ namespace, rule }: DeadLetterFilter): Promise<number> {
    return this.#store.countDead(namespace, rule);
  }

  replay(id: string, caller: Caller): Promise<{ readonly activationId: string }> {
    return this.#lock.run(id, async () => {
      const { namespace } = caller.identity;
      const letter = await this.#find(namespace, id);
      await this.#unsealed.add({ what: 'replay-dead-letter', name: `/${namespace}/${id}`, namespace });
      const again = replayed(letter, caller);
      await this.#callAgain(letter, again, caller);
      this.#tries.watch(again);
      return { activationId: again.activationId };
    });
  }

  delete(namespace: NamespaceName, id: string): Promise<void> {
    return this.#lock.run(id, async () => {
      await this.#find(namespace, id);
      if (!(await this.#store.discard(namespace, id))) throw notFound();
    });
  }

  start(resumed: Promise<unknown>): void {
    this.#clock ??= startDueClock({
      work: async () => this.#lookAtAll(await this.#store.due(Date.now(), batchSize)),
      nextDue: () => this.#store.nextDue(),
      log: this.#log,
    });
    resumed
      .catch(() => {})
      .then(() => this.#takeUp())
      .catch((error) => this.#log.error({ err: error }, 'deliveries of an earlier run were not resumed'));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#clock?.[Symbol.dispose]();
    await this.#lock.idle();
  }

  #newDelivery({ caller, rule, trigger, action, payload, retry, traceparent }: RuleCall): Delivery {
    const id = newId();
    return {
      id,
      rule,
      trigger: trigger.name,
      action,
      retry,
      payload: this.#vault.seal(payload, placeOfDelivery({ id, rule })),
      transactionId: caller.transactionId,
      traceparent,
      scope: lentScopeOf(caller.identity.scope),
      state: 'waiting',
      attempt: 1,
      isUnderWay: true,
      activationId: newActivationId(),
      error: undefined,
      createdAt: Date.now(),
      dueAt: Date.now() + leaseMs,
    };
  }

  async #beginDurably(delivery: Delivery, { caller, payload }: RuleCall): Promise<unknown> {
    // Both writes start together, so that they go to disk together.
    const adding = this.#store.add(rowOfDelivery(delivery));
    const calling = this.#tries.call(delivery, caller, payload);
    const [added, called] = await Promise.allSettled([adding, calling]);
    if (added.status === 'rejected') {
      this.#ledger.leave(delivery.id);
      return added.reason;
    }
    this.#clock?.expect(delivery.dueAt);
    if (called.status === 'rejected') {
      await this.#lock.run(delivery.id, () => this.#tries.refused(delivery, called.reason));
      return called.reason;
    }
    this.#tries.watch(delivery);
    return undefined;
  }

  /** The letter stays unchanged if the call is refused. */
  async #callAgain(letter: Delivery, again: Delivery, caller: Caller): Promise<void> {
    const payload = this.#tries.payloadOf(letter);
    if (!(await this.#tries.save(again, letter))) throw concurrentUpdate();
    this.#ledger.enter(letter.id, caller.identity.namespace, caller.authorization);
    try {
      await this.#tries.call(again, caller, payload);
    } catch (error) {
      this.#ledger.leave(letter.id);
      await this.#tries.save(letter, again);
      throw error;
    }
  }

  async #find(namespace: NamespaceName, id: string): Promise<Delivery> {
    const row = await this.#store.get(namespace, id);
    if (row?.state !== 'dead') throw notFound();
    return deliveryOfRow(row);
  }

  async #lookAtAll(rows: readonly Pick<DeliveryRow, 'namespace' | 'id'>[]): Promise<void> {
    for (let at = 0; at < rows.length; at += batchSize) {
      await Promise.all(rows.slice(at, at + batchSize).map((row) => this.#tries.look(row)));
    }
  }

  async #takeUp(): Promise<void> {
    await this.#lookAtAll(await this.#store.due(Date.now() + leaseMs, maxTakenUp));
  }
}

/** A dead letter as a new delivery. */
function replayed(letter: Delivery, { transactionId, identity }: Caller): Delivery {
  return {
    ...letter,
    state: 'waiting',
    attempt: 1,
    isUnderWay: true,
    activationId: newActivationId(),
    transactionId,
    // The replay is a call of its own.
    traceparent: undefined,
    scope: lentScopeOf(identity.scope),
    dueAt: Date.now() + leaseMs,
  };
}
