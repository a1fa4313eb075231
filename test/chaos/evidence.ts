/** The evidence of a run: what clients were answered, what ran, what was recorded, what is left. */

/** Ways to make something run. */
export const kinds = [
  'accepted',
  'retried',
  'blocking',
  'late',
  'sequence',
  'conductor',
  'firing',
  'web',
  'webhook',
  'logs',
  'large',
  'fails',
  'exits',
  'python',
] as const;
export type Kind = (typeof kinds)[number];

/** Number of runs of code for one call of each kind. */
export const runsOf: Readonly<Record<Kind, number>> = {
  ...{ accepted: 1, retried: 1, blocking: 1, late: 1, firing: 1, web: 1, webhook: 1 },
  ...{ logs: 1, large: 1, fails: 1, exits: 1, python: 1 },
  sequence: 2,
  // The conductor runs before and after the action that it names.
  conductor: 3,
};

/** Kinds that are in the durable queue, or start a call that is, before they are answered. */
export const queuedKinds: ReadonlySet<Kind> = new Set(['accepted', 'retried', 'firing', 'webhook']);

/** How often a call begins that asks for it (`retry-on-restart`). */
export const mostAttempts = 3;

export interface Answer {
  readonly kind: Kind;
  /** Parameter by which a run is matched with its call. */
  readonly marker: string;
  /** 0 if the connection broke before an answer. */
  readonly status: number;
  readonly activationId?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** When the call was sent, in epoch milliseconds. */
  readonly sentAt?: number;
  /** The server that it was sent to (`Ward.instance`). */
  readonly via?: string;
  /** Whether the answer said that its record could not be kept. */
  readonly isLost?: boolean;
  /** Whether the answer said that Ward does not know whether it accepted the call. */
  readonly isDoubtful?: boolean;
  /** Text of a refusal or a failure. */
  readonly text?: string;
  /** Processes that ran or waited for each processor at that time. */
  readonly load?: number;
  /** Whether it says that the platform has no room now. It is 429, as are refusals for a limit of the namespace. */
  readonly isOverload?: boolean;
  /** Whether the answer said when to try again. */
  readonly hasRetryAfter?: boolean;
}

/** A run of code, observed from outside of its sandbox. */
export interface Run {
  readonly activationId: string;
  readonly marker: string;
  /** Only of this run. */
  readonly token: string;
  /** The server whose sandbox it was (`Ward.instance`). */
  readonly instance?: string;
  /** When it was counted, in epoch milliseconds. */
  readonly at?: number;
}

/** A broken promise. */
export interface Violation {
  readonly rule: string;
  readonly what: string;
}

/** The kill of a process of Ward. */
export interface Kill {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The server whose process it was (`Ward.instance`), when there are others. */
  readonly instance?: string | undefined;
}

/** Whether it can have taken away the record of a call to the server `via`. */
export function struck(kill: Kill, via: string | undefined): boolean {
  return kill.instance === undefined || kill.instance === via;
}

export interface KeptRecord {
  readonly activationId: string;
  readonly name: string;
  readonly isSuccess: boolean;
  /** Error of a failure. */
  readonly error: string;
  /** Activations that a firing or a composition has started; undefined for others. */
  readonly parts?: readonly Part[] | undefined;
}

export type Part = { readonly activationId: string } | { readonly error: string };

/** A counter, and the true number of what it counts. */
export interface Counter {
  readonly name: string;
  readonly says: number;
  readonly counted: number;
}

export interface Evidence {
  readonly answers: readonly Answer[];
  readonly runs: readonly Run[];
  readonly kills: readonly Kill[];
  /** Times from which a node was not heard for a while, in epoch milliseconds. */
  readonly silences: readonly number[];
  /** There were no faults, and the machine was quiet. */
  readonly isCalm?: boolean;
  readonly records: readonly KeptRecord[];
  readonly counters: readonly Counter[];
  /** Entries that are still in the durable queue. */
  readonly queued: readonly string[];
  /** What was left on the machine after the end. */
  readonly left: readonly string[];
  /** What others have judged. */
  readonly found?: readonly Violation[];
}

export const noEvidence: Evidence = {
  ...{ answers: [], runs: [], kills: [], silences: [], records: [], counters: [], queued: [], left: [] },
};

/** The marker of the alarm, whose firings have no caller. */
export const alarmMarker = 'tick';
