/** A rule's call of its action. */
import type { JsonObject } from '../../lib/index.ts';
import type { Caller } from '../activations/composed-call.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import type { EntityRef } from '../entities/names.ts';
import type { RetryPolicy } from './rule-retry.ts';

/** A call that is retried when it fails. */
export interface RuleCall {
  readonly caller: Caller;
  readonly rule: PlainRef;
  readonly trigger: PlainRef;
  readonly action: EntityRef;
  readonly payload: JsonObject;
  readonly retry: RetryPolicy;
  /** Each try continues this trace. */
  readonly traceparent?: string | undefined;
}

/** A call that has been started. */
export interface StartedCall {
  readonly activationId: string;
  /** Never rejects. Resolves to undefined when the call is durable, or to the reason when it was refused. */
  readonly failure: Promise<unknown>;
}
