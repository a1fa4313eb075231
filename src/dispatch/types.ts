/** What the domain and the invokers say to each other: plain data, so that a wire may stand between them. */

import type { Digest } from '../blobs/index.ts';
import type { ActivationLog } from '../dispatch/activation-log.ts';
import type { EgressRule } from '../egress/index.ts';
import type { JsonObject, JsonValue } from '../lib/index.ts';
import type { Violation } from '../sandbox/index.ts';
import type { LogPiece } from './live-log.ts';

export interface ActionLimits {
  readonly timeoutMs: number;
  readonly memoryMiB: number;
  /** Log limit in bytes. */
  readonly logBytes: number;
  /** Activations that one sandbox may run at once. */
  readonly concurrency: number;
  /** Processors, a fraction allowed; undefined: what the sandbox policy says. */
  readonly cpus?: number | undefined;
  /** Size of the sandbox's writable `/tmp`; undefined: what the sandbox policy says. */
  readonly diskMiB?: number | undefined;
}

/** How many sandboxes an action has, as operators and developers hint. */
export interface Scaling {
  /** A new sandbox for each call, which serves nothing afterwards. */
  readonly fresh?: boolean | undefined;
  /** Sandboxes kept ready after the first call, whatever the keep-alive; given up when memory is short. */
  readonly minWarm?: number | undefined;
  /** Sandboxes at most; calls past them wait. */
  readonly maxInstances?: number | undefined;
}

/** What an action, or the operator for all of a namespace, asks of a sandbox beyond the defaults. */
export type SandboxAsk = {
  /** A kernel of its own (gVisor's) between the program and the host's. */
  readonly tier?: 'gvisor' | undefined;
  /** A seccomp profile in Docker's format. */
  readonly seccomp?: JsonObject | undefined;
  /** What it may reach over the network; nothing when there are no rules. */
  readonly egress?: readonly EgressRule[] | undefined;
};

/** The ask of an action within that of its namespace. */
export type EffectiveSandboxAsk = SandboxAsk & {
  /** Rules of the namespace. Those of the action must stay within them. */
  readonly egressWithin?: readonly EgressRule[] | undefined;
  /** The namespace's profile, when the action has one too: only system calls that both allow are allowed. */
  readonly seccompWithin?: JsonObject | undefined;
  /** Equal asks have equal ids, and only they do. */
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
  /** A resolved kind: `nodejs:24`, or `blackbox`. */
  readonly kind: string;
  /** Only of kind `blackbox`: a name in the image store. */
  readonly image?: string | undefined;
  readonly code: { readonly digest: Digest; readonly binary: boolean; readonly main: string };
  readonly limits: ActionLimits;
  /** How many calls of the namespace may run at once; undefined: any number. */
  readonly namespaceConcurrency?: number | undefined;
  readonly scaling?: Scaling | undefined;
  readonly sandbox?: EffectiveSandboxAsk | undefined;
  /** True with the annotation `provide-api-key`: its sandboxes have a port that leads to the API. */
  readonly providesApiKey?: boolean | undefined;
  /** Environment that user code sees from `init` on (`init: true` parameters). */
  readonly initEnv: JsonObject;
}

/** Whether code may be loaded before it is called. While it is unknown, it may not. */
export type LoadPermission = 'allowed' | 'denied' | 'unknown';

/** An action that an invoker keeps sandboxes ready for, whether it is called or not. */
export type KeptAction = Pick<JobTarget, 'namespace' | 'action' | 'revision' | 'kind' | 'image' | 'code'>;

/** What the gate says of the code of a kept action. */
export interface LoadGrant extends Pick<KeptAction, 'namespace' | 'action' | 'revision'> {
  readonly permission: Exclude<LoadPermission, 'unknown'>;
}

/** One activation, with everything needed to run it. */
export interface Job extends JobTarget {
  readonly activationId: string;
  readonly transactionId: string;
  readonly parameters: JsonObject | readonly JsonValue[];
  /** `uuid:key`, only for actions annotated with `provide-api-key`. */
  readonly apiKey?: string | undefined;
  /** Epoch milliseconds at which it was accepted. */
  readonly acceptedAt: number;
}

/** The owner of a job. It decides when a sandbox is there, perhaps from the other end of a wire. */
export interface Handover {
  /**
   * Called when a sandbox is about to get the job. True: it begins. False: it must not run. Calls never overlap, and there
   * are none after a yes. A promise is for an answer that must be written first, while a sandbox waits.
   */
  begin(): boolean | Promise<boolean>;
}

export type CompletionStatus =
  | 'success'
  | 'application error'
  | 'action developer error'
  | 'whisk internal error';

/** Why an activation was not taken by a warm sandbox. */
export type StartReason =
  /** No sandbox of this revision in this namespace had been started. */
  | 'first call of this revision'
  | 'all its sandboxes were busy'
  | 'its idle sandboxes were ended (keep-alive, or memory was short)'
  | 'its last sandbox failed'
  | 'a fresh sandbox is asked for';

/** What the invoker says of a job that has ended. */
export interface Completion {
  readonly status: CompletionStatus;
  readonly result: JsonValue;
  /** The result, serialised once for the wire and for the record. */
  readonly json: string;
  /** The same in UTF-8, when it is large. Read-only. */
  readonly utf8?: Buffer<ArrayBuffer>;
  /** Of the result. */
  readonly sizeBytes: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly waitMs: number;
  /** Only when this activation initialised its sandbox. */
  readonly initMs?: number;
  readonly timedOut: boolean;
  readonly start: 'warm' | 'prewarmed' | 'cold';
  /** Why no warm sandbox took it, for people; absent when one did. */
  readonly startReason?: StartReason | undefined;
  /** From the request for a sandbox to its `ready`, as far as this activation waited for it; absent when warm. */
  readonly sandboxMs?: number | undefined;
  /** What its sandbox tried meanwhile against its policy; absent without any. */
  readonly violations?: readonly Violation[] | undefined;
}

/** The end of a job, which is two messages: its completion, and its log, which may come later. */
export interface JobEnd {
  readonly completion: Completion;
  /** Settles when the log streams have been read to their end for this activation. */
  readonly log: Promise<ActivationLog>;
}

/** A violation, and who caused it, as far as is known: a blank sandbox belongs to no namespace. */
export interface ViolationReport extends Violation {
  readonly namespace: string | undefined;
  /** `/ns/[pkg/]name`. */
  readonly action: string | undefined;
  /** Several when they ran in one sandbox at the same time. */
  readonly activationIds: readonly string[];
}

export interface InvokerStatus {
  /** Activations that wait for a sandbox. */
  readonly queued: number;
  /** `idle` ones may be frozen; `prewarmed` ones are blank. */
  readonly sandboxes: Readonly<Record<'starting' | 'busy' | 'idle' | 'prewarmed', number>>;
  /** Reserved for sandboxes. */
  readonly memoryMiB: number;
  readonly memoryLimitMiB: number;
}

/** Runs the jobs of the domain, which does not learn where. */
export interface Dispatcher {
  /**
   * Runs the job to its end. A failure inside the sandbox is a Completion, never an exception.
   * @param handover asked before a sandbox gets the job
   * @throws Fault INVOKER_CLOSED, INVOKER_BUSY, ACTION_TOO_LARGE (kind `busy`), KIND_UNKNOWN, IMAGE_UNKNOWN,
   * IMAGE_UNUSABLE, TIER_UNAVAILABLE (`invalid`), POLICY_EXCEEDED (`denied`), JOB_WITHDRAWN when `handover` says no
   */
  run(job: Job, handover?: Handover): Promise<JobEnd>;
  /**
   * Ends an activation that waits, is being initialised or runs: its Completion says so. Its sandbox ends with it or, when it
   * runs others too, with the last of them. Does nothing when there is no such activation.
   */
  cancel(activationId: string): void;
  /** Hints that the target will be called soon: starts a sandbox if none is idle or starting and memory is free. */
  warm(target: JobTarget): void;
  /**
   * The log of an activation that waits or runs, from now to its end: the last lines so far first, then each as it comes. A
   * reader that is too slow is told how many lines it has missed. Leaving the loop ends it, and so does the signal, which
   * throws nothing. A log that breaks off ends early. Undefined when nothing of the activation waits or runs here.
   */
  follow(activationId: string, signal?: AbortSignal): AsyncIterable<LogPiece> | undefined;
  /**
   * Checks that it can have a sandbox, against what invokers have said they can run.
   * @throws Fault POLICY_EXCEEDED, EGRESS_EXCEEDED, POLICY_NOT_MET (`denied`), POLICY_INVALID, TIER_UNAVAILABLE (`invalid`)
   */
  checkTarget(target: Pick<JobTarget, 'kind' | 'limits' | 'sandbox'>): Promise<void>;
  /** What is kept ready, to be granted again before the last grant ends. */
  kept(): readonly KeptAction[];
  /**
   * Tells what of it may be loaded. A job is such a grant, too. An allowance ends after `forMs`, and is unknown then; a
   * denial holds until the next grant.
   */
  grant(grants: readonly LoadGrant[], forMs: number): void;
  /** Cheap enough to call every few seconds. */
  status(): InvokerStatus;
  /** Ends idle sandboxes of an action (`/ns/[pkg/]name`) that was changed or deleted. */
  retire(action: string): void;
  /** Namespaces with jobs that run or wait, or with sandboxes that are kept. */
  namespaces(): ReadonlySet<string>;
  /** Ends everything of a deleted namespace, including running jobs. */
  expel(namespace: string): void;
}
