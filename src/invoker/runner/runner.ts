/**
 * A sandbox with a program in it, as the scheduler sees it: it is initialised once, then it runs. What the program
 * speaks is the business of the two implementations, the channel (`runner-process.ts`) and OpenWhisk's HTTP contract
 * (`blackbox-runner.ts`).
 */
import type { ActionLimits, ActivationLog, LogFollower } from '../../dispatch/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { Violation } from '../../sandbox/index.ts';
import type { Culprit } from './culprit.ts';

/** How the sandbox let an activation down. */
export type Failure =
  | 'timeout'
  | 'out-of-memory'
  | 'forbidden-call'
  | 'exited'
  | 'channel-closed'
  | 'violation'
  /** The platform has no way to it. */
  | 'unreachable'
  | 'ended'
  /** An activation of it was cancelled. */
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

/** An initialisation that has ended. */
export interface InitEnd {
  readonly outcome: InitOutcome;
  /** What it logged when it has failed; otherwise that is the beginning of the first run's log. */
  readonly logs: Promise<ActivationLog>;
  readonly violations?: readonly Violation[] | undefined;
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
  /** `utf8`: the same as `json`, of a large one. */
  | {
      readonly kind: 'value';
      readonly value: JsonValue;
      readonly json: string;
      readonly utf8?: Buffer<ArrayBuffer>;
    }
  | { readonly kind: 'refused'; readonly error: JsonValue }
  /** The length of the result, as far as it is known, and its beginning. */
  | { readonly kind: 'too-large'; readonly lengthBytes: number; readonly head: string }
  /** It would rather have the activation run elsewhere. */
  | { readonly kind: 'busy'; readonly error: JsonValue }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** A run that has ended; undefined when it was never begun and is to be run elsewhere. */
export type RunEnd =
  | {
      readonly outcome: RunOutcome;
      readonly logs: Promise<ActivationLog>;
      /** Epoch milliseconds. */
      readonly startedAt: number;
      readonly serviceMs: number;
      readonly violations?: readonly Violation[] | undefined;
    }
  | undefined;

export interface Runner {
  /** Settles when it can serve no more; never rejects. */
  readonly ended: Promise<Failure>;
  readonly isEnded: boolean;
  /** Once, before the first run. Rejects only for what is the platform's own failure. */
  init(request: InitRequest, limits: ActionLimits): Promise<InitEnd>;
  /** Never rejects. */
  run(request: RunRequest, limits: RunLimits): Promise<RunEnd>;
  /** True while a further run would not have to wait for long, though one is under way. */
  takesEarly(): boolean;
  /** Takes back runs that wait behind one that turns out to be slow, or that were not begun in time. */
  reclaim(): void;
  /** Stops it where it stands until the next init or run; does nothing while it works. */
  freeze(): Promise<void>;
  /** Processor time that it has used, in µs. Cheap. */
  cpuUsec(): number;
  /** Whether it makes way for other sandboxes that want a processor. */
  standBack(isBehind: boolean): void;
  /** Keeps a violation for the runs under way, and says who caused it. */
  note(violation: Violation): Culprit;
  /** Ends it for `reason`, unless the kernel has a better one; idempotent. */
  end(reason: Failure): Promise<Failure>;
  /** Whether it has such a run, as `follow` means it. */
  isLogging(id: string): boolean;
  /**
   * Gives the follower the log lines of a run that it has (`init` for the initialisation): the last so far, then each as it comes.
   * Undefined when it has no such run.
   * @param isContinued the initialisation was followed too, so that its lines are not told again
   */
  follow(id: string, follower: LogFollower, isContinued: boolean): Disposable | undefined;
}

export const noLogs: Promise<ActivationLog> = Promise.resolve([]);
