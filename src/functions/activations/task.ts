/** What an activation must do, as plain data that the durable queue keeps. */
import type { ActionLimits, Job } from '../../dispatch/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { LentScope } from '../namespaces/key-scopes.ts';
import type { TraceMembers } from './trace-context.ts';

/** Members of all kinds of tasks. */
export interface Origin extends TraceMembers {
  /** The sequence or composition that this activation is a part of. */
  readonly cause?: string | undefined;
  /** `ns/binding` through which the action was named. */
  readonly binding?: string | undefined;
  /** It may be run again after a restart interrupted it. */
  readonly retriesOnRestart?: boolean | undefined;
}

/** Code in a sandbox. */
export interface CodeTask extends Job, Origin {
  readonly type: 'code';
  /** Its action gets a key that is not its caller's: each run is lent one with these rights. */
  readonly lentScope?: LentScope | undefined;
}

/** A sequence, a composition or a built-in action, which Ward runs itself. */
export interface ComposedTask extends Origin {
  readonly type: 'composed';
  readonly activationId: string;
  readonly transactionId: string;
  /** The invoking namespace. */
  readonly namespace: string;
  /** `/ns/[pkg/]name` of the action itself. */
  readonly action: string;
  /** The action's name as the caller used it, maybe through a binding. */
  readonly named: string;
  readonly version: string;
  readonly kind: string;
  readonly isConductor: boolean;
  readonly limits: ActionLimits;
  /** Scope of the caller's key. It also holds after a restart. */
  readonly scope: LentScope;
  /** The call's parameters, without the action's own. */
  readonly parameters: JsonObject | readonly JsonValue[];
  /** Epoch milliseconds at which it was accepted. */
  readonly acceptedAt: number;
}

export type Task = CodeTask | ComposedTask;
