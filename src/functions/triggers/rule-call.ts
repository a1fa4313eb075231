/** A rule's call of its action. */
import type { JsonObject } from '../../lib/index.ts';
import type { Caller } from '../activations/composed-call.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import type { EntityRef } from '../entities/names.ts';
import type { RetryPolicy } from './rule-retry.ts';

/** One that is to be made again when it fails. */
export interface RuleCall {
  readonly caller: Caller;
  readonly rule: PlainRef;
  readonly trigger: PlainRef;
  readonly action: EntityRef;
  readonly payload: JsonObject;
  readonly retry: RetryPolicy;
}

/** One that was asked for. */
export interface StartedCall {
  readonly activationId: string;
  /** Settles, never rejects, when the call is durable (undefined) or was refused (why). */
  readonly failure: Promise<unknown>;
}
