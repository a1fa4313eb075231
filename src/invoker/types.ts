/** What `functions/` and the invoker say to each other: plain data, so that a wire may stand between them. */

import type { Digest } from '../images/index.ts';
import type { JsonObject, JsonValue } from '../lib/index.ts';

export interface ActionLimits {
  readonly timeoutMs: number;
  readonly memoryMiB: number;
  /** Log limit in bytes. */
  readonly logBytes: number;
  /** Activations that one sandbox may run at once. */
  readonly concurrency: number;
}

/** One activation, with all that is needed to run it. */
export interface Job {
  readonly activationId: string;
  readonly transactionId: string;
  /** The invoking namespace: it owns the sandbox. */
  readonly namespace: string;
  /** `/ns/[pkg/]name` of the action itself. */
  readonly action: string;
  readonly version: string;
  /** Changes with every write to the action and is never used again. */
  readonly revision: string;
  /** A resolved kind: `nodejs:24`. */
  readonly kind: string;
  readonly code: { readonly digest: Digest; readonly binary: boolean; readonly main: string };
  readonly limits: ActionLimits;
  /** Environment that user code sees from `init` on (`init: true` parameters). */
  readonly initEnv: JsonObject;
  readonly parameters: JsonObject | readonly JsonValue[];
  /** `uuid:key`, only for actions annotated with `provide-api-key`. */
  readonly apiKey?: string;
  /** Epoch milliseconds at which it was accepted. */
  readonly acceptedAt: number;
}

export type CompletionStatus =
  | 'success'
  | 'application error'
  | 'action developer error'
  | 'whisk internal error';

/** How an activation ended. */
export interface Completion {
  readonly status: CompletionStatus;
  readonly result: JsonValue;
  /** The result, serialised: what goes over the wire and into the record without being serialised again. */
  readonly json: string;
  /** Bytes of `json`. */
  readonly sizeBytes: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly waitMs: number;
  /** Only when this activation initialised its sandbox. */
  readonly initMs?: number;
  readonly timedOut: boolean;
  readonly start: 'warm' | 'prewarmed' | 'cold';
  /** Settles after the result, when the log streams have been read to their end for this activation. */
  readonly logs: Promise<readonly string[]>;
}

export interface NamespaceLimits {
  readonly invocationsPerMinute: number;
  readonly concurrentInvocations: number;
}

/** Held from acceptance to completion; counts against the namespace's concurrency. */
export interface Admission {
  release(): void;
}

export interface Invoker extends AsyncDisposable {
  /**
   * Counts one more invocation of the namespace, or refuses it.
   * @throws Fault TOO_MANY_PER_MINUTE, TOO_MANY_CONCURRENT (kind `throttled`)
   */
  admit(namespace: string, limits: NamespaceLimits): Admission;
  /**
   * Runs the job to its end. What goes wrong inside the sandbox is a Completion, never an exception.
   * @throws Fault INVOKER_CLOSED, INVOKER_BUSY, ACTION_TOO_LARGE (kind `busy`), KIND_UNKNOWN
   */
  run(job: Job): Promise<Completion>;
  /** Ends idle sandboxes of an action (`/ns/[pkg/]name`) that was changed or deleted. */
  retire(action: string): void;
  close(): Promise<void>;
}
