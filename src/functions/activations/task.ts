/** What an activation is to do: plain data, which the durable queue keeps. */
import type { ActionLimits, Job } from '../../dispatch/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { KeyScope } from '../namespaces/key-scopes.ts';

/** Members that tasks of all kinds have. */
export interface Origin {
  /** The activation that this one is a part of: a sequence or a composition. */
  readonly cause?: string | undefined;
  /** `ns/binding` through which the action was named. */
  readonly binding?: string | undefined;
  /** It may be run again when a restart has interrupted it. */
  readonly retriesOnRestart?: boolean | undefined;
}

/** Code in a sandbox. */
export interface CodeTask extends Job, Origin {
  readonly type: 'code';
  /** Its action gets a key, but not its caller's: each run is lent one with these rights. */
  readonly lentScope?: KeyScope | undefined;
}

/** What Ward itself carries out: a sequence, a composition, a built-in action. */
export interface ComposedTask extends Origin {
  readonly type: 'composed';
  readonly activationId: string;
  readonly transactionId: string;
  /** The invoking namespace. */
  readonly namespace: string;
  /** `/ns/[pkg/]name` of the action itself. */
  readonly action: string;
  /** The same as it was named: through a binding, maybe. */
  readonly named: string;
  readonly version: string;
  readonly kind: string;
  readonly isConductor: boolean;
  readonly limits: ActionLimits;
  /** Scope of the key that it was called with; it holds after a restart, too. */
  readonly scope: KeyScope;
  /** What it was called with, without the action's own parameters. */
  readonly parameters: JsonObject | readonly JsonValue[];
  /** Epoch milliseconds at which it was accepted. */
  readonly acceptedAt: number;
}

export type Task = CodeTask | ComposedTask;
