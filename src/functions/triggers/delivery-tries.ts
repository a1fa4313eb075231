/**
 * The life of a delivery: tried, judged by the record of its activation, tried again after a while, given up.
 *
 *     begin ──► under way ──► delivered: its row is deleted
 *                 ▲   │
 *                 │   └─ failed ──► waits ──► … after the last try: dead ──► replayed by its owner
 *                 └──────────────────┘
 *
 * Its row is on disk before anyone is told of the call, with the id of the activation. The process that
 * finds it later, this one or the next, learns from that activation's record how it ended. A try that left none counts as
 * failed, so an action may be called more than once for one event, never not at all.
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
  /** Settles when the activation is recorded; undefined when it is not under way here. */
  readonly recorded: (activationId: string) => Promise<void> | undefined;
  /** Undefined when there is no such namespace. */
  readonly identify: (namespace: NamespaceName) => Identity | undefined | Promise<Identity | undefined>;
  readonly ledger: DeliveryLedger;
  /** By delivery: its activation's end, the clock and its owner may all come at once. */
  readonly lock: KeyedLock;
  /** A delivery is to be looked at then; epoch milliseconds. */
  readonly expect: (dueAt: number) => void;
  readonly isClosing: () => boolean;
  readonly log: Log;
}

export interface DeliveryTries {
  /** Calls the action, for a delivery that says so already. @throws what `invoke` throws */
  call(delivery: Delivery, caller: Caller, payload: JsonObject): Promise<unknown>;
  /** From now on its end is noticed. */
  watch(delivery: Delivery): void;
  /** The call of a delivery that is on disk was refused. */
  refused(delivery: Delivery, error: unknown): Promise<void>;
  /** Moves it on as far as can be: judges what has ended, tries what is due. */
  look(row: Pick<DeliveryRow, 'namespace' | 'id'>): Promise<void>;
  /** False when another write won. */
  save(delivery: Delivery, expectedAttempt: number): Promise<boolean>;
  /** @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
  payloadOf(delivery: Delivery): JsonObject;
}

/** How long a try may go on unnoticed, when nobody is left to notice its end. */
export const leaseMs = 60_000;

/** Dead letters of a namespace; the oldest go first. */
const maxDeadLetters = 1000;
const pruneSize = 100;

export function createDeliveryTries(options: DeliveryTriesOptions): DeliveryTries {
  const { store, vault, ledger, lock, log } = options;
  const { deliveries } = store;

  const save = async (delivery: Delivery, expectedAttempt: number): Promise<boolean> => {
    const won = await deliveries.update(rowOfDelivery(delivery), expectedAttempt);
    if (won && delivery.state === 'waiting') options.expect(delivery.dueAt);
    return won;
  };
  const call = ({ action, activationId }: Delivery, caller: Caller, payload: JsonObject) =>
    options.invoke({ ...recorded(caller), action, payload, waitMs: undefined, activationId });
  const payloadOf = (delivery: Delivery): JsonObject => {
    const payload = vault.open(delivery.payload, placeOfDelivery(delivery));
    if (isJsonObject(payload)) return payload;
    throw corrupt();
  };
  const lookAfter = (recorded: Promise<void>, { rule, id }: Delivery) => {
    recorded
      .then(() => look({ namespace: rule.namespace, id }))
      .catch((error) =>
        log.error({ delivery: id, reason: messageOf(error) }, 'a delivery was not looked at'),
      );
  };

  const giveUp = async (delivery: Delivery, error: string): Promise<void> => {
    const { id, rule, attempt } = delivery;
    await save({ ...delivery, state: 'dead', isUnderWay: false, error, dueAt: Date.now() }, attempt);
    ledger.leave(id);
    const { namespace } = rule;
    const surplus = await deliveries.dead({ namespace, skip: maxDeadLetters, limit: pruneSize });
    for (const row of surplus) await deliveries.delete(namespace, row.id);
  };
  const failed = async (delivery: Delivery, error: string, atLeastMs = 0): Promise<void> => {
    const { retry, attempt } = delivery;
    if (attempt >= retry.attempts) return giveUp(delivery, error);
    const dueAt = Date.now() + Math.max(atLeastMs, backoffMs(retry, attempt, Math.random()));
    await save({ ...delivery, isUnderWay: false, error, dueAt }, attempt);
  };
  const refused = async (delivery: Delivery, error: unknown): Promise<void> => {
    await failed(delivery, refusedCall(error).error, isFault(error) ? error.retryAfterMs : 0);
  };
  const judge = async (delivery: Delivery): Promise<void> => {
    const outcome = await outcomeOfTry(store, delivery);
    if (outcome.type === 'delivered') {
      await deliveries.delete(delivery.rule.namespace, delivery.id);
      ledger.leave(delivery.id);
    } else if (outcome.type === 'failed') await failed(delivery, outcome.error);
    else {
      await save({ ...delivery, dueAt: Date.now() + leaseMs }, delivery.attempt);
      const recorded = options.recorded(delivery.activationId);
      if (recorded !== undefined) lookAfter(recorded, delivery);
    }
  };
  const watch = (delivery: Delivery) =>
    lookAfter(options.recorded(delivery.activationId) ?? Promise.resolve(), delivery);
  const tryAgain = async (delivery: Delivery): Promise<void> => {
    const identity = await options.identify(delivery.rule.namespace);
    if (identity === undefined) return;
    const { attempt, id, transactionId, scope } = delivery;
    const next: Delivery = {
      ...delivery,
      attempt: attempt + 1,
      isUnderWay: true,
      activationId: newActivationId(),
      dueAt: Date.now() + leaseMs,
    };
    if (!(await save(next, attempt))) return;
    try {
      const authorization = ledger.authorizationOf(id);
      const caller = { identity: { ...identity, scope }, transactionId, authorization };
      await call(next, caller, payloadOf(next));
    } catch (error) {
      return refused(next, error);
    }
    watch(next);
  };
  const look = ({ namespace, id }: Pick<DeliveryRow, 'namespace' | 'id'>) =>
    lock.run(id, async () => {
      const row = options.isClosing() ? undefined : await deliveries.get(namespace, id);
      if (row?.state !== 'waiting') return;
      const delivery = await readOrDrop(options, row);
      if (delivery?.isUnderWay === true) await judge(delivery);
      else if (delivery !== undefined && delivery.dueAt <= Date.now()) await tryAgain(delivery);
    });

  return { call, watch, refused, look, save, payloadOf };
}

/** One that can't be read would come back for ever. */
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

/** How a try ended is known from its record alone, so there is one, whatever else the namespace keeps. */
function recorded(caller: Caller): Caller {
  const { identity } = caller;
  return { ...caller, identity: { ...identity, limits: { ...identity.limits, storeActivations: true } } };
}
