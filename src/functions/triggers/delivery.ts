/**
 * A reliable call of a rule's action: what is called with what, and how far it has come. It is `under way` while one
 * of its activations may run; otherwise it waits for its next try, or is dead.
 */
import { z } from 'zod';
import type { DeliveryRow } from '../../store/index.ts';
import { corrupt, type PlainRef, storedName, storedNamespace } from '../entities/entity-row.ts';
import { type EntityName, type EntityRef, fullNameOf } from '../entities/names.ts';
import { type LentScope, lentScopes } from '../namespaces/key-scopes.ts';
import type { RetryPolicy } from './rule-retry.ts';

export interface Delivery {
  readonly id: string;
  readonly rule: PlainRef;
  readonly trigger: EntityName;
  readonly action: EntityRef;
  readonly retry: RetryPolicy;
  /** Encrypted. */
  readonly payload: string;
  readonly transactionId: string;
  readonly traceparent?: string | undefined;
  /** Scope of the key that it was fired with. Applies when that key is no longer known. */
  readonly scope: LentScope;
  readonly state: DeliveryRow['state'];
  /** Tries so far. */
  readonly attempt: number;
  readonly isUnderWay: boolean;
  /** Activation of the last try. */
  readonly activationId: string;
  /** Why the last ended try failed. */
  readonly error: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** When to look at it next, or when it was given up, in epoch milliseconds. */
  readonly dueAt: number;
}

const stored = z.object({
  trigger: storedName,
  action: z.object({ namespace: storedNamespace, package: storedName.optional(), name: storedName }),
  retry: z.object({ attempts: z.number(), backoffMs: z.number(), maxBackoffMs: z.number() }),
  payload: z.string(),
  transactionId: z.string(),
  traceparent: z.string().optional(),
  // Earlier versions did not store it. Every key that may fire may also invoke.
  scope: z.enum(lentScopes).default('invoke'),
  isUnderWay: z.boolean(),
  activationId: z.string(),
  error: z.string().optional(),
});
const storedRef = z.object({ namespace: storedNamespace, rule: storedName });

/** @throws Fault STORED_ENTITY_CORRUPT */
export function deliveryOfRow(row: DeliveryRow): Delivery {
  const document = stored.safeParse(row.document);
  const ref = storedRef.safeParse(row);
  if (!document.success || !ref.success) throw corrupt(document.error ?? ref.error);
  const { id, state, attempt, createdAt, dueAt } = row;
  const { action, error, ...rest } = document.data;
  return {
    ...rest,
    id,
    rule: { namespace: ref.data.namespace, name: ref.data.rule },
    action: { ...action, package: action.package },
    error,
    state,
    attempt,
    createdAt,
    dueAt,
  };
}

export function rowOfDelivery(delivery: Delivery): DeliveryRow {
  const { id, rule, trigger, retry, payload, transactionId, scope, state, attempt, isUnderWay } = delivery;
  const { activationId, error, createdAt, dueAt, traceparent } = delivery;
  const { namespace, package: inPackage, name } = delivery.action;
  const action = inPackage === undefined ? { namespace, name } : { namespace, package: inPackage, name };
  const document = {
    ...{ trigger, action, retry, payload, transactionId, scope, isUnderWay, activationId },
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  return {
    id,
    namespace: rule.namespace,
    rule: rule.name,
    state,
    attempt,
    createdAt,
    dueAt,
    document: error === undefined ? document : { ...document, error },
  };
}

/** The place that its payload is bound to. */
export function placeOfDelivery({ id, rule }: Pick<Delivery, 'id' | 'rule'>): string {
  return `${rule.namespace}/${rule.name} ${id}`;
}

/** A delivery that was given up, as its owner sees it. */
export interface DeadLetter {
  readonly id: string;
  readonly rule: EntityName;
  readonly trigger: EntityName;
  /** `/ns/[pkg/]name`. */
  readonly action: string;
  readonly attempts: number;
  readonly error: string;
  /** Activation of the last try. */
  readonly activationId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly failedAt: number;
}

export function describeDeadLetter(delivery: Delivery): DeadLetter {
  const { id, rule, trigger, action, attempt, error = '', activationId, createdAt, dueAt } = delivery;
  return {
    id,
    rule: rule.name,
    trigger,
    action: `/${fullNameOf(action)}`,
    attempts: attempt,
    error,
    activationId,
    createdAt,
    failedAt: dueAt,
  };
}
