/**
 * Fires a trigger: invokes the action of each active rule with the payload over the trigger's parameters, and writes
 * a record with the outcome of each. If an action could not be invoked, because of a limit or because it no longer
 * exists, only the record says so. A rule with `retry` is tried again (`deliveries.ts`).
 *
 * All writes of a firing go to disk together: the outcome of admission is known at once, so the record does not wait
 * for the calls.
 */
import type { AdmissionControl } from '../../dispatch/index.ts';
import { isFault, type JsonObject, newActivationId } from '../../lib/index.ts';
import type { ActivationStore, EntityStore } from '../../store/index.ts';
import type { InvokeRequest } from '../activations/invocations.ts';
import { createBoundedCache } from '../entities/bounded-cache.ts';
import type { Forgetful } from '../entities/changed.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { fullNameOf } from '../entities/names.ts';
import { notFound } from '../faults.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { Vault } from '../vault/vault.ts';
import type { DeliveryService } from './deliveries.ts';
import {
  type FiringRecord,
  firingRecord,
  inactiveRule,
  isInvoked,
  type RuleOutcome,
  refusedCall,
} from './firing-record.ts';
import { type FiringRule, type FiringTarget, readFiringTarget } from './firing-target.ts';
import type { StartedCall } from './rule-call.ts';

export interface FireRequest {
  /** The owner of the trigger, whose limits the invocations count against. */
  readonly identity: Identity;
  readonly trigger: PlainRef;
  readonly payload: JsonObject;
  readonly transactionId: string;
  /** The caller's `Authorization` header, for actions that are given the caller's key. */
  readonly authorization: string | undefined;
  /** The header of that name: the calls of its rules continue that trace. */
  readonly traceparent?: string | undefined;
}

export interface FireAnswer {
  readonly activationId: string;
  /** The disk accepts no writes now, so its record cannot be promised. */
  readonly isRecordLost: boolean;
}

export interface FiringService extends Forgetful {
  /**
   * Resolves when everything is durable, except that its own record may wait for the disk. Undefined if no rule is
   * active: then nothing was invoked or recorded.
   * @throws Fault NOT_FOUND, WRONG_COLLECTION, TOO_MANY_PER_MINUTE
   */
  fire(request: FireRequest): Promise<FireAnswer | undefined>;
  /** Must be called when the trigger or one of its rules was written. */
  changed(trigger: PlainRef): void;
}

interface FiringOptions {
  readonly entities: Pick<EntityStore, 'get' | 'list'>;
  readonly activations: Pick<ActivationStore, 'append' | 'flush'>;
  readonly admission: Pick<AdmissionControl, 'admitFire'>;
  readonly invoke: (request: InvokeRequest) => Promise<unknown>;
  /** True if an activation was admitted and is not recorded yet. */
  readonly isUnderWay: (activationId: string) => boolean;
  readonly deliveries: Pick<DeliveryService, 'begin'>;
  readonly vault: Vault;
}

const cacheCapacity = 10_000;

export function createFiring(options: FiringOptions): FiringService {
  const { entities, vault } = options;
  const cache = createBoundedCache<FiringTarget>(cacheCapacity);

  const targetOf = async (trigger: PlainRef): Promise<FiringTarget> => {
    const target = await cache.load(keyOf(trigger), () => readFiringTarget(entities, vault, trigger));
    if (target === undefined) throw notFound();
    return target;
  };

  return {
    async fire(request) {
      const { identity, payload, trigger } = request;
      options.admission.admitFire(identity.namespace, identity.limits);
      const target = cache.get(keyOf(trigger)) ?? (await targetOf(trigger));
      if (!target.isActive) return undefined;
      const start = Date.now();
      const activationId = newActivationId();
      const args = { ...target.defaults, ...payload };
      const calls = target.rules.map((rule) =>
        rule.isActive ? startCall(options, request, target, rule, args) : undefined,
      );
      const outcomes = await Promise.all(
        target.rules.map((rule, index) => outcomeOf(options, rule, calls[index])),
      );
      const { subject } = identity;
      const record = { activationId, target, subject, payload, start, outcomes };
      const isKept = identity.limits.storeActivations !== false;
      const keeping = isKept ? keep(options.activations, record) : true;
      const durables = calls.map((call, index) => durable(call, outcomes[index]));
      const [isKeptNow] = await Promise.all([keeping, ...durables]);
      return { activationId, isRecordLost: !isKeptNow };
    },
    changed: (trigger) => cache.drop(keyOf(trigger)),
    forget: (changed) =>
      cache.dropWhere(({ ref }) => changed === undefined || changed.triggers.has(ref.namespace)),
  };
}

function startCall(
  { invoke, deliveries }: FiringOptions,
  { identity, transactionId, authorization, traceparent }: FireRequest,
  target: FiringTarget,
  { ref, action, retry }: FiringRule,
  args: JsonObject,
): StartedCall {
  const caller = { identity, transactionId, authorization };
  if (retry !== undefined) {
    return deliveries.begin({
      caller,
      rule: ref,
      trigger: target.ref,
      action,
      payload: args,
      retry,
      traceparent,
    });
  }
  const activationId = newActivationId();
  const asked = invoke({ ...caller, action, payload: args, waitMs: undefined, activationId, traceparent });
  const failure = asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  return { activationId, failure };
}

/** Resolves as soon as the call was admitted, even if it is not durable yet. */
async function outcomeOf(
  { isUnderWay }: FiringOptions,
  rule: FiringRule,
  call: StartedCall | undefined,
): Promise<RuleOutcome> {
  if (call === undefined) return inactiveRule(rule);
  const { activationId } = call;
  if (isUnderWay(activationId)) return { activationId };
  const error = await call.failure;
  return error === undefined ? { activationId } : refusedCall(error);
}

/** Returns false if the record waits for a disk that accepts no writes. */
async function keep(activations: FiringOptions['activations'], record: FiringRecord): Promise<boolean> {
  const kept = activations.append(firingRecord(record)).then(
    () => true,
    (error: unknown) => {
      if (isFault(error, 'STORE_BACKLOG')) return false;
      throw error;
    },
  );
  return Promise.race([
    kept,
    activations.flush().then(
      () => kept,
      () => false,
    ),
  ]);
}

/** Waits until an invocation that the record reports is durable. */
async function durable(call: StartedCall | undefined, outcome: RuleOutcome | undefined): Promise<void> {
  const error = await call?.failure;
  if (error !== undefined && isInvoked(outcome)) throw error;
}

function keyOf({ namespace, name }: PlainRef): string {
  return fullNameOf({ namespace, package: undefined, name });
}
