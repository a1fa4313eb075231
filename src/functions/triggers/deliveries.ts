/**
 * Calls of rules that must not get lost: rules with the annotation `retry`. What fails is tried again, what was
 * given up is kept as a dead letter, with its payload, until its owner replays or deletes it.
 */
import { KeyedLock, type Log, newActivationId, newId } from '../../lib/index.ts';
import type { DeliveryRow, Store } from '../../store/index.ts';
import type { Caller } from '../activations/composed-call.ts';
import type { EntityName, NamespaceName } from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import { concurrentUpdate, notFound } from '../faults.ts';
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
import { createDeliveryTries, type DeliveryTriesOptions, leaseMs } from './delivery-tries.ts';
import type { RuleCall, StartedCall } from './rule-call.ts';

interface DeadLetterFilter {
  readonly namespace: NamespaceName;
  readonly rule: EntityName | undefined;
}

export interface DeliveryService {
  /** Calls a rule's action for the first time; what comes of it is looked after from then on. */
  begin(call: RuleCall): StartedCall;
  /** Newest first. */
  dead(filter: DeadLetterFilter, page: ListRange): Promise<readonly DeadLetter[]>;
  countDead(filter: DeadLetterFilter): Promise<number>;
  /**
   * Calls the action of a dead letter again, with all its tries. The letter stays when it can't be called.
   * @throws Fault NOT_FOUND (also when it is being replayed), and what invoking throws
   */
  replay(id: string, caller: Caller): Promise<{ readonly activationId: string }>;
  /** @throws Fault NOT_FOUND */
  delete(namespace: NamespaceName, id: string): Promise<void>;
  /**
   * From now on what is due is tried; once `resumed` has settled, what an earlier process left under way is judged.
   * @param resumed what that process had accepted has been dealt with
   */
  start(resumed: Promise<unknown>): void;
  /** Tries nothing more, and waits for what is being written. Call before the store is closed. */
  close(): Promise<void>;
}

interface DeliveryServiceOptions
  extends Pick<DeliveryTriesOptions, 'vault' | 'invoke' | 'recorded' | 'identify'> {
  readonly store: Pick<Store, 'deliveries' | 'activations' | 'accepted'>;
  readonly log: Log;
}

/** Deliveries of one namespace that wait or are under way; a call past them is made once, without a net. */
const maxWaiting = 1000;
/** Looked at together. */
const batchSize = 32;
/** Taken up at once at the start; the others when their time has come. */
const maxTakenUp = 1000;

export function createDeliveries(options: DeliveryServiceOptions): DeliveryService {
  const { store, vault, log } = options;
  const { deliveries } = store;
  const ledger = createDeliveryLedger(maxWaiting);
  const lock = new KeyedLock();
  let clock: DueClock | undefined;
  let closing = false;
  const tries = createDeliveryTries({
    ...options,
    ledger,
    lock,
    expect: (dueAt) => clock?.expect(dueAt),
    isClosing: () => closing,
  });

  const newDelivery = ({ caller, rule, trigger, action, payload, retry }: RuleCall): Delivery => {
    const id = newId();
    return {
      id,
      rule,
      trigger: trigger.name,
      action,
      retry,
      payload: vault.seal(payload, placeOfDelivery({ id, rule })),
      transactionId: caller.transactionId,
      scope: caller.identity.scope,
      state: 'waiting',
      attempt: 1,
      isUnderWay: true,
      activationId: newActivationId(),
      error: undefined,
      createdAt: Date.now(),
      dueAt: Date.now() + leaseMs,
    };
  };
  const beginDurably = async (delivery: Delivery, { caller, payload }: RuleCall): Promise<unknown> => {
    // In this order, and not one after the other: both go to disk together.
    const adding = deliveries.add(rowOfDelivery(delivery));
    const calling = tries.call(delivery, caller, payload);
    const [added, called] = await Promise.allSettled([adding, calling]);
    if (added.status === 'rejected') {
      ledger.leave(delivery.id);
      return added.reason;
    }
    clock?.expect(delivery.dueAt);
    if (called.status === 'rejected') {
      await lock.run(delivery.id, () => tries.refused(delivery, called.reason));
      return called.reason;
    }
    tries.watch(delivery);
    return undefined;
  };
  const find = async (namespace: NamespaceName, id: string): Promise<Delivery> => {
    const row = await deliveries.get(namespace, id);
    if (row?.state !== 'dead') throw notFound();
    return deliveryOfRow(row);
  };
  const lookAtAll = async (rows: readonly Pick<DeliveryRow, 'namespace' | 'id'>[]): Promise<void> => {
    for (let at = 0; at < rows.length; at += batchSize) {
      await Promise.all(rows.slice(at, at + batchSize).map((row) => tries.look(row)));
    }
  };
  const takeUp = async (): Promise<void> => {
    const rows = await deliveries.due(Date.now() + leaseMs, maxTakenUp);
    await lookAtAll(rows);
  };

  return {
    begin(call) {
      const delivery = newDelivery(call);
      const { activationId } = delivery;
      const { namespace } = delivery.rule;
      if (ledger.enter(delivery.id, namespace, call.caller.authorization)) {
        return { activationId, failure: beginDurably(delivery, call).catch((error: unknown) => error) };
      }
      log.warn({ namespace, rule: delivery.rule.name }, 'too many deliveries wait: this one is tried once');
      const failure = tries.call(delivery, call.caller, call.payload).then(
        () => undefined,
        (error: unknown) => error,
      );
      return { activationId, failure };
    },
    async dead({ namespace, rule }, page) {
      const rows = await deliveries.dead({ namespace, ...(rule === undefined ? {} : { rule }), ...page });
      return rows.map((row) => describeDeadLetter(deliveryOfRow(row)));
    },
    countDead: ({ namespace, rule }) => deliveries.countDead(namespace, rule),
    replay(id, caller) {
      const { namespace } = caller.identity;
      return lock.run(id, async () => {
        const letter = await find(namespace, id);
        const activationId = newActivationId();
        const again: Delivery = {
          ...letter,
          state: 'waiting',
          attempt: 1,
          isUnderWay: true,
          activationId,
          transactionId: caller.transactionId,
          scope: caller.identity.scope,
          dueAt: Date.now() + leaseMs,
        };
        const payload = tries.payloadOf(letter);
        if (!(await tries.save(again, letter.attempt))) throw concurrentUpdate();
        ledger.enter(id, namespace, caller.authorization);
        try {
          await tries.call(again, caller, payload);
        } catch (error) {
          ledger.leave(id);
          await tries.save(letter, again.attempt);
          throw error;
        }
        tries.watch(again);
        return { activationId };
      });
    },
    delete: (namespace, id) =>
      lock.run(id, async () => {
        await find(namespace, id);
        if (!(await deliveries.delete(namespace, id))) throw notFound();
      }),
    start(resumed) {
      clock ??= startDueClock({
        work: async () => lookAtAll(await deliveries.due(Date.now(), batchSize)),
        nextDue: () => deliveries.nextDue(),
        log,
      });
      resumed
        .catch(() => {})
        .then(takeUp)
        .catch((error) => log.error({ err: error }, 'deliveries of an earlier run were not taken up'));
    },
    async close() {
      closing = true;
      clock?.[Symbol.dispose]();
      await lock.idle();
    },
  };
}
