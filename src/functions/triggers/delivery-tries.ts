/**
 * The life of a delivery: it is tried, judged by the record of its activation, tried again after a while, and at last
 * given up.
 *
 *     begin ──► under way ──► delivered: its row is deleted
 *                 ▲   │
 *                 │   └─ failed ──► waits ──► … after the last try: dead ──► replayed by its owner
 *                 └──────────────────┘
 *
 * Its row, with the id of the activation, is on disk before the call is announced. The process that later finds the
 * row, this one or the next, learns from the activation's record how the try ended. A try without a record counts as
 * failed. So an action may be called more than once for one event, but never not at all.
 */
import {
  isFault,
  isJsonObject,
  type JsonObject,
  type KeyedLock,
  type Log,
  messageOf,
  newActivationId,
} from '../../lib/index.ts';
import type { DeliveryRow, Store } from '../../store/index.ts';
import type { Caller } from '../activations/composed-call.ts';
import type { InvokeRequest } from '../activations/invocations.ts';
import { corrupt } from '../entities/entity-row.ts';
import type { NamespaceName } from '../entities/names.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { Vault } from '../vault/vault.ts';
import { type Delivery, deliveryOfRow, placeOfDelivery, rowOfDelivery } from './delivery.ts';
import type { DeliveryLedger } from './delivery-ledger.ts';
import { outcomeOfTry } from './delivery-outcome.ts';
import { refusedCall } from './firing-record.ts';
import { backoffMs } from './rule-retry.ts';

export interface DeliveryTriesOptions {
  readonly store: Pick<Store, 'deliveries' | 'activations' | 'accepted'>;
  readonly vault: Vault;
  readonly invoke: (request: InvokeRequest) => Promise<unknown>;
  /** Resolves when the activation is recorded. Undefined if it is not under way here. */
  readonly recorded: (activationId: string) => Promise<void> | undefined;
  /** Undefined if there is no such namespace. */
  readonly identify: (namespace: NamespaceName) => Identity | undefined | Promise<Identity | undefined>;
  readonly ledger: DeliveryLedger;
  /** By delivery, because its activation's end, the clock and its owner may act at the same time. */
  readonly lock: KeyedLock;
  /** Schedules a look at a delivery at that time, in epoch milliseconds. */
  readonly expect: (dueAt: number) => void;
  readonly isClosing: () => boolean;
  readonly log: Log;
}

/** After this time without news, a try is looked at again, in case the process that watched it has ended. */
export const leaseMs = 60_000;

/** Limit of dead letters of a namespace. The oldest are dropped first. */
export const maxDeadLetters = 1000;
const pruneSize = 100;

export class DeliveryTries {
  readonly #options: DeliveryTriesOptions;

  constructor(options: DeliveryTriesOptions) {
    this.#options = options;
  }

  /** Calls the action of a delivery that is marked as under way. @throws what `invoke` throws */
  call(
    { action, activationId, traceparent }: Delivery,
    caller: Caller,
    payload: JsonObject,
  ): Promise<unknown> {
    const { invoke } = this.#options;
    return invoke({ ...recorded(caller), action, payload, waitMs: undefined, activationId, traceparent });
  }

  /** Watches for the end of the activation from now on. */
  watch(delivery: Delivery): void {
    this.#lookAfter(this.#options.recorded(delivery.activationId) ?? Promise.resolve(), delivery);
  }

  /** Handles the refusal of a call whose delivery is on disk. */
  async refused(delivery: Delivery, error: unknown): Promise<void> {
    await this.#failed(delivery, refusedCall(error).error, isFault(error) ? error.retryAfterMs : 0);
  }

  /** Advances it as far as possible: judges an ended try, starts a due one. */
  look({ namespace, id }: Pick<DeliveryRow, 'namespace' | 'id'>): Promise<void> {
    const { lock, store, isClosing } = this.#options;
    return lock.run(id, async () => {
      const row = isClosing() ? undefined : await store.deliveries.get(namespace, id);
      if (row?.state !== 'waiting') return;
      const delivery = await readOrDrop(this.#options, row);
      if (delivery?.isUnderWay === true) await this.#judge(delivery);
      else if (delivery !== undefined && delivery.dueAt <= Date.now()) await this.#tryAgain(delivery);
    });
  }

  /** Returns false if another write won. */
  async save(delivery: Delivery, expected: Pick<Delivery, 'attempt' | 'state'>): Promise<boolean> {
    const { store, expect } = this.#options;
    const won = await store.deliveries.update(rowOfDelivery(delivery), expected);
    if (won && delivery.state === 'waiting') expect(delivery.dueAt);
    return won;
  }

  /** @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
  payloadOf(delivery: Delivery): JsonObject {
    const payload = this.#options.vault.open(delivery.payload, placeOfDelivery(delivery));
    if (isJsonObject(payload)) return payload;
    throw corrupt();
  }

  #lookAfter(recorded: Promise<void>, { rule, id }: Delivery): void {
    recorded
      .then(() => this.look({ namespace: rule.namespace, id }))
      .catch((error) =>
        this.#options.log.error({ delivery: id, reason: messageOf(error) }, 'a delivery was not processed'),
      );
  }

  async #judge(delivery: Delivery): Promise<void> {
    const { store, ledger } = this.#options;
    const { id, rule, activationId } = delivery;
    const outcome = await outcomeOfTry(store, delivery);
    if (outcome.type === 'delivered') {
      await store.deliveries.delete(rule.namespace, id);
      ledger.leave(id);
    } else if (outcome.type === 'failed') await this.#failed(delivery, outcome.error);
    else {
      await this.save({ ...delivery, dueAt: Date.now() + leaseMs }, delivery);
      const recorded = this.#options.recorded(activationId);
      if (recorded !== undefined) this.#lookAfter(recorded, delivery);
    }
  }

  async #tryAgain(delivery: Delivery): Promise<void> {
    const { identify, ledger } = this.#options;
    const identity = await identify(delivery.rule.namespace);
    if (identity === undefined) return;
    const { attempt, id, transactionId, scope } = delivery;
    const next: Delivery = {
      ...delivery,
      attempt: attempt + 1,
      isUnderWay: true,
      activationId: newActivationId(),
      dueAt: Date.now() + leaseMs,
    };
    if (!(await this.save(next, delivery))) return;
    try {
      const authorization = ledger.authorizationOf(id);
      const caller = { identity: { ...identity, scope }, transactionId, authorization };
      await this.call(next, caller, this.payloadOf(next));
    } catch (error) {
      return this.refused(next, error);
    }
    this.watch(next);
  }

  async #failed(delivery: Delivery, error: string, atLeastMs = 0): Promise<void> {
    const { retry, attempt } = delivery;
    if (attempt >= retry.attempts) return this.#giveUp(delivery, error);
    const dueAt = Date.now() + Math.max(atLeastMs, backoffMs(retry, attempt, Math.random()));
    await this.save({ ...delivery, isUnderWay: false, error, dueAt }, delivery);
  }

  async #giveUp(delivery: Delivery, error: string): Promise<void> {
    const { store, ledger } = this.#options;
    const { id, rule } = delivery;
    await this.save({ ...delivery, state: 'dead', isUnderWay: false, error, dueAt: Date.now() }, delivery);
    ledger.leave(id);
    const { namespace } = rule;
    const surplus = await store.deliveries.dead({ namespace, skip: maxDeadLetters, limit: pruneSize });
    for (const row of surplus) await store.deliveries.delete(namespace, row.id);
  }
}

/** Drops a delivery that cannot be read, because it would come back for ever. */
async function readOrDrop({ store, ledger, log }: DeliveryTriesOptions, row: DeliveryRow) {
  try {
    return deliveryOfRow(row);
  } catch (error) {
    log.error({ delivery: row.id, err: error }, 'a delivery cannot be read and is dropped');
    await store.deliveries.delete(row.namespace, row.id);
    ledger.leave(row.id);
    return undefined;
  }
}

/** The outcome of a try is known only from its record, so one is kept even if the namespace keeps none. */
function recorded(caller: Caller): Caller {
  const { identity } = caller;
  return { ...caller, identity: { ...identity, limits: { ...identity.limits, storeActivations: true } } };
}
