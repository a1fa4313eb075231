/** What the domain and the invokers exchange: plain data, so that it can go over a wire. */

import type { Digest } from '../blobs/index.ts';
import type { ActivationLog } from '../dispatch/activation-log.ts';
import type { EgressRule, Traffic } from '../egress/index.ts';
import type { JsonObject, JsonValue } from '../lib/index.ts';
import type { Violation } from '../sandbox/index.ts';
import type { LogPiece } from './live-log.ts';
import type { WaitReason } from './wait-reasons.ts';

export interface ActionLimits {
  readonly timeoutMs: number;
  readonly memoryMiB: number;
  /** Log limit in bytes. */
  readonly logBytes: number;
  /** Activations that one sandbox may run at once. */
  readonly concurrency: number;
  /** Processors, may be a fraction. Undefined: as the sandbox policy says. */
  readonly cpus?: number | undefined;
  /** Size of the sandbox's writable `/tmp`. Undefined: as the sandbox policy says. */
  readonly diskMiB?: number | undefined;
}

/** How many sandboxes an action should have. Operators and developers set these hints. */
export interface Scaling {
  /** Start a new sandbox for each call, and end it afterwards. */
  readonly fresh?: boolean | undefined;
  /** Sandboxes to keep ready after the first call, regardless of the keep-alive. Given up when memory is short. */
  readonly minWarm?: number | undefined;
  /** The maximum number of sandboxes. Calls beyond it wait. */
  readonly maxInstances?: number | undefined;
}

/** What an action, or the operator for a whole namespace, asks of a sandbox beyond the defaults. */
export type SandboxAsk = {
  /** A kernel of its own (gVisor) between the program and the host's kernel. */
  readonly tier?: 'gvisor' | undefined;
  /** A seccomp profile in Docker's format. */
  readonly seccomp?: JsonObject | undefined;
  /** What it may reach over the network. Without rules: nothing. */
  readonly egress?: readonly EgressRule[] | undefined;
};

/** The ask of an action, restricted by that of its namespace. */
export type EffectiveSandboxAsk = SandboxAsk & {
  /** Rules of the namespace. The rules of the action must stay within them. */
  readonly egressWithin?: readonly EgressRule[] | undefined;
  /** The namespace's profile, if the action has one too. Only system calls that both allow are allowed. */
  readonly seccompWithin?: JsonObject | undefined;
  /** Equal if and only if the asks are equal. */
  readonly id: string;
};

/** The code of an action and where it runs: the same for all calls of one revision. */
export interface JobTarget {
  /** The invoking namespace: it owns the sandbox. */
  readonly namespace: string;
  /** `/ns/[pkg/]name` of the action itself. */
  readonly action: string;
  readonly version: string;
  /** Changes with every write to the action and is never used again. */
  readonly revision: string;
  /** A resolved kind, such as `nodejs:24`, or `blackbox`. */
  readonly kind: string;
  /** A name in the image store. Only for kind `blackbox`. */
  readonly image?: string | undefined;
  readonly code: { readonly digest: Digest; readonly binary: boolean; readonly main: string };
  readonly limits: ActionLimits;
  /** How many calls of the namespace may run at once. Undefined: any number. */
  readonly namespaceConcurrency?: number | undefined;
  readonly scaling?: Scaling | undefined;
  readonly sandbox?: EffectiveSandboxAsk | undefined;
  /** Set by the annotation `provide-api-key`: the sandboxes have a port that leads to the API. */
  readonly providesApiKey?: boolean | undefined;
  /** Environment that user code sees from `init` on (`init: true` parameters). */
  readonly initEnv: JsonObject;
}

/** What placement must know of a target, and its image. */
export type ImageTarget = Pick<
  JobTarget,
  'namespace' | 'action' | 'revision' | 'kind' | 'limits' | 'scaling' | 'sandbox' | 'image'
>;

/** Whether code may be loaded before it is called. `unknown` means no. */
export type LoadPermission = 'allowed' | 'denied' | 'unknown';

/** An action for which an invoker keeps sandboxes ready, whether it is called or not. */
export type KeptAction = Pick<JobTarget, 'namespace' | 'action' | 'revision' | 'kind' | 'image' | 'code'>;

/** The gate's answer about the code of a kept action. */
export interface LoadGrant extends Pick<KeptAction, 'namespace' | 'action' | 'revision'> {
  readonly permission: Exclude<LoadPermission, 'unknown'>;
}

/** How long an allowance holds, that of a job included. */
export const loadGrantMs = 2_500;

/** One activation, with everything needed to run it. */
export interface Job extends JobTarget {
  readonly activationId: string;
  readonly transactionId: string;
  readonly parameters: JsonObject | readonly JsonValue[];
  /** `uuid:key`, only for actions annotated with `provide-api-key`. */
  readonly apiKey?: string | undefined;
  /** Epoch milliseconds at which it was accepted. */
  readonly acceptedAt: number;
  /** Its own place in a trace, in W3C's form, for the environment of the function. */
  readonly traceparent?: string | undefined;
}

/**
 * The owner of a job, perhaps at the other end of a wire. It decides whether the job begins once a sandbox is ready.
 */
export interface Handover {
  /**
   * Called when a sandbox is about to get the job. True: it begins. False: it must not run. Calls never overlap. After
   * true, it says true again: an invoker can still refuse the job for trouble of its machine. Returns a promise if the
   * answer must be written first, while the sandbox waits.
   */
  begin(): boolean | Promise<boolean>;
  /**
   * True if its answer has to be written nowhere. Then a dispatcher that is far from the sandbox may ask when it sends
   * the job, instead of over the wire when a sandbox is there.
   */
  readonly isPrompt?: boolean;
}

export type CompletionStatus =
  | 'success'
  | 'application error'
  | 'action developer error'
  | 'whisk internal error';

/** Why no warm sandbox took an activation. */
export type StartReason =
  /** No sandbox of this revision in this namespace had been started. */
  | 'first call of this revision'
  | 'all its sandboxes were busy'
  | 'its idle sandboxes were ended (keep-alive, or memory was short)'
  | 'its last sandbox failed'
  | 'a fresh sandbox is asked for';

/** The invoker's report about a job that has ended. */
export interface Completion {
  readonly status: CompletionStatus;
  readonly result: JsonValue;
  /** The result, serialised once for the wire and for the record. */
  readonly json: string;
  /** The same in UTF-8, if it is large. Read-only. */
  readonly utf8?: Buffer<ArrayBuffer>;
  /** Size of the result. */
  readonly sizeBytes: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly waitMs: number;
  /** Absent if it did not wait, or nothing is known about why. */
  readonly waitReason?: WaitReason | undefined;
  /** Only if this activation initialised its sandbox. */
  readonly initMs?: number;
  readonly timedOut: boolean;
  readonly start: 'warm' | 'prewarmed' | 'cold';
  /** Why no warm sandbox took it, for people. Absent if one did. */
  readonly startReason?: StartReason | undefined;
  /** From the request for a sandbox to its `ready`, as far as this activation waited for it. Absent if warm. */
  readonly sandboxMs?: number | undefined;
  /** Violations of its sandbox in the meantime. Absent if there are none. */
  readonly violations?: readonly Violation[] | undefined;
  /** What its sandbox has sent and received in the meantime. Absent if there is nothing. */
  readonly traffic?: Traffic | undefined;
}

/** The end of a job, in two messages: its completion, and its log, which may come later. */
export interface JobEnd {
  readonly completion: Completion;
  /** Settles when the log streams have been read to their end for this activation. */
  readonly log: Promise<ActivationLog>;
}

/** A violation and who caused it, as far as is known. A blank sandbox belongs to no namespace. */
export interface ViolationReport extends Violation {
  readonly namespace: string | undefined;
  /** `/ns/[pkg/]name`. */
  readonly action: string | undefined;
  /** Several if they ran in one sandbox at the same time. */
  readonly activationIds: readonly string[];
}

export interface InvokerStatus {
  /** Activations that wait for a sandbox. */
  readonly queued: number;
  /** `idle` ones may be frozen. `prewarmed` ones are blank. */
  readonly sandboxes: Readonly<Record<'starting' | 'busy' | 'idle' | 'prewarmed', number>>;
  /** Reserved for sandboxes. */
  readonly memoryMiB: number;
  readonly memoryLimitMiB: number;
  /** What the kernel counts for its sandboxes, with their page cache. Absent: not known. */
  readonly memoryUsedMiB?: number | undefined;
  /** Sandboxes that have ended but could not be removed yet. Absent: not known. */
  readonly sandboxesLeft?: number | undefined;
}

/** Runs the jobs of the domain, which does not know where. */
export interface Dispatcher {
  /**
   * Runs the job to its end. A failure inside the sandbox is a Completion, never an exception.
   * @param handover asked before a sandbox gets the job
   * @throws Fault INVOKER_CLOSED, INVOKER_BUSY, ACTION_TOO_LARGE (kind `busy`), KIND_UNKNOWN, IMAGE_UNKNOWN,
   * IMAGE_UNUSABLE, TIER_UNAVAILABLE (`invalid`), POLICY_EXCEEDED (`denied`), JOB_WITHDRAWN when `handover` says no; in a
   * cluster also INVOKERS_BUSY, INVOKERS_UNFIT, INVOKERS_UNREACHABLE, INVOKER_CUT_OFF (`busy`) and INVOKER_LOST (`unreachable`)
   */
  run(job: Job, handover?: Handover): Promise<JobEnd>;
  /**
   * Ends an activation that waits, is being initialised or runs; its Completion says so. Its sandbox ends too, or, if
   * it runs other activations, after the last of them. Does nothing if there is no such activation.
   */
  cancel(activationId: string): void;
  /** Hints that the target will be called soon: starts a sandbox if none is idle or starting and memory is free. */
  warm(target: JobTarget): void;
  /**
   * Hints that the target may be called some time: brings its image near, if it has one with a digest. Nothing is
   * started, and calls come first.
   */
  prefetch(target: ImageTarget): void;
  /**
   * Follows the log of an activation that waits or runs, from now to its end. Yields the last lines so far first,
   * then each new line. Tells a reader that is too slow how many lines it missed. Leaving the loop or aborting the
   * signal ends it without an error. A log that breaks off ends early. Undefined if no such activation waits or runs
   * here.
   */
  follow(activationId: string, signal?: AbortSignal): AsyncIterable<LogPiece> | undefined;
  /**
   * Checks that the target can have a sandbox, against what invokers have reported they can run.
   * @throws Fault POLICY_EXCEEDED, EGRESS_EXCEEDED, POLICY_NOT_MET (`denied`), POLICY_INVALID, TIER_UNAVAILABLE
   * (`invalid`)
   */
  checkTarget(target: Pick<JobTarget, 'kind' | 'limits' | 'sandbox'>): Promise<void>;
  /** The actions that are kept ready. Grant them again before the last grant ends. */
  kept(): readonly KeptAction[];
  /**
   * Says which kept actions may be loaded. A job is a grant, too. An allowance lasts for `forMs` and is unknown
   * afterwards. A denial holds until the next grant.
   */
  grant(grants: readonly LoadGrant[], forMs: number): void;
  /** Cheap enough to call every few seconds. */
  status(): InvokerStatus;
  /** Ends idle sandboxes of an action (`/ns/[pkg/]name`) that was changed or deleted. */
  retire(action: string): void;
  /** Namespaces that have running or waiting jobs, or kept sandboxes. */
  namespaces(): ReadonlySet<string>;
  /** Ends everything of a deleted namespace, including running jobs. */
  expel(namespace: string): void;
}

/** The operator's order to a node of a cluster. */
export interface DrainOrder {
  /** The node takes no new work, and finishes what it has. */
  readonly isDrained: boolean;
  /** When it was given, by the clock of the database. The latest one holds. */
  readonly at: number;
}
