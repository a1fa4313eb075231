/**
 * A sandbox with a program in it, as the scheduler sees it: it is initialised once, then it runs. The protocol is up
 * to the two implementations: the channel (`runner-process.ts`) and OpenWhisk's HTTP contract (`blackbox-runner.ts`).
 */
import type { ActionLimits, ActivationLog, LogFollower } from '../../dispatch/index.ts';
import type { Traffic } from '../../egress/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { Violation } from '../../sandbox/index.ts';
import type { Culprit } from './culprit.ts';

/** How the sandbox failed an activation. */
export type Failure =
  | 'timeout'
  | 'out-of-memory'
  | 'forbidden-call'
  | 'exited'
  | 'channel-closed'
  | 'violation'
  /** The platform cannot reach it. */
  | 'unreachable'
  | 'ended'
  /** One of its activations was cancelled. */
  | 'cancelled';

export interface InitRequest {
  readonly name: string;
  readonly main: string;
  readonly binary: boolean;
  readonly env: JsonObject;
}

export type InitOutcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'refused'; readonly error: JsonValue }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** The end of an initialisation. */
export interface InitEnd {
  readonly outcome: InitOutcome;
  /** Its log if it failed; otherwise that log begins the first run's log. */
  readonly logs: Promise<ActivationLog>;
  readonly violations?: readonly Violation[] | undefined;
  readonly traffic?: Traffic | undefined;
}

export interface RunRequest {
  readonly id: string;
  readonly value: JsonObject | readonly JsonValue[];
  readonly env: JsonObject;
}

export interface RunLimits {
  readonly timeoutMs: number;
}

export type RunOutcome =
  /** `utf8`: the same as `json`, if it is large. */
  | {
      readonly kind: 'value';
      readonly value: JsonValue;
      readonly json: string;
      readonly utf8?: Buffer<ArrayBuffer>;
    }
  | { readonly kind: 'refused'; readonly error: JsonValue }
  /** The length of the result, as far as it is known, and its beginning. */
  | { readonly kind: 'too-large'; readonly lengthBytes: number; readonly head: string }
  /** It asks for the activation to be run elsewhere. */
  | { readonly kind: 'busy'; readonly error: JsonValue }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** The end of a run; undefined if it was never begun and must be run elsewhere. */
export type RunEnd =
  | {
      readonly outcome: RunOutcome;
      readonly logs: Promise<ActivationLog>;
      /** Epoch milliseconds. */
      readonly startedAt: number;
      readonly serviceMs: number;
      readonly violations?: readonly Violation[] | undefined;
      readonly traffic?: Traffic | undefined;
    }
  | undefined;

export interface Runner {
  /** Settles when it can serve no more. Never rejects. */
  readonly ended: Promise<Failure>;
  readonly isEnded: boolean;
  /** Called once, before the first run. Rejects only for the platform's own failures. */
  init(request: InitRequest, limits: ActionLimits): Promise<InitEnd>;
  /** Never rejects. */
  run(request: RunRequest, limits: RunLimits): Promise<RunEnd>;
  /** True if another run would not have to wait long, though one is under way. */
  takesEarly(): boolean;
  /** Takes back runs that wait behind a slow one or were not begun in time. */
  reclaim(): void;
  /** Freezes it until the next init or run. Does nothing while it works. */
  freeze(): Promise<void>;
  /** Processor time used, in µs. Cheap. */
  cpuUsec(): number;
  /** Sets whether it yields to other sandboxes that want a processor. */
  standBack(isBehind: boolean): void;
  /** Attributes a violation to the runs under way, and returns who caused it. */
  note(violation: Violation): Culprit;
  /** Ends it for `reason`, unless the kernel knows a better one. Idempotent. */
  end(reason: Failure): Promise<Failure>;
  /** True if it has such a run, in the sense of `follow`. */
  isLogging(id: string): boolean;
  /**
   * Gives the follower the log lines of a run (`init` for the initialisation): the last lines so far, then each new
   * one. Undefined if there is no such run.
   * @param isContinued the initialisation was followed too, so its lines are not sent again
   */
  follow(id: string, follower: LogFollower, isContinued: boolean): Disposable | undefined;
}

export const noLogs: Promise<ActivationLog> = Promise.resolve([]);
