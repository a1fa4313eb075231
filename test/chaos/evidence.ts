/** What a run leaves to be judged: what clients were answered, what ran, what was kept, what is left. */

/** Ways to make something run. */
export const kinds = [
  'accepted',
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

/** How often code runs for one call of each kind. */
export const runsOf: Readonly<Record<Kind, number>> = {
  ...{ accepted: 1, blocking: 1, late: 1, firing: 1, web: 1, webhook: 1 },
  ...{ logs: 1, large: 1, fails: 1, exits: 1, python: 1 },
  sequence: 2,
  // Itself before and after the action that it names.
  conductor: 3,
};

/** Kinds that are put into the durable queue, or start what is, before they are answered. */
export const queuedKinds: ReadonlySet<Kind> = new Set(['accepted', 'firing', 'webhook']);

export interface Answer {
  readonly kind: Kind;
  /** Goes with the call into what runs. */
  readonly marker: string;
  /** 0: the connection broke before it. */
  readonly status: number;
  readonly activationId?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** It said that its record could not be kept. */
  readonly isLost?: boolean;
  /** What a refusal said. */
  readonly text?: string;
  /** It said when to come again. */
  readonly hasRetryAfter?: boolean;
}

/** Code that ran, as it was seen from outside of its sandbox. */
export interface Run {
  readonly activationId: string;
  readonly marker: string;
  /** Of this run alone. */
  readonly token: string;
}

export interface KeptRecord {
  readonly activationId: string;
  readonly name: string;
  readonly isSuccess: boolean;
  /** What a failure says. */
  readonly error: string;
  /** Of firings and of composed activations: what they have started; else undefined. */
  readonly parts?: readonly Part[] | undefined;
}

export type Part = { readonly activationId: string } | { readonly error: string };

/** A counter that is kept beside what it counts. */
export interface Counter {
  readonly name: string;
  readonly says: number;
  readonly counted: number;
}

export interface Evidence {
  readonly answers: readonly Answer[];
  readonly runs: readonly Run[];
  /** When a process of Ward's was ended from outside, epoch milliseconds. */
  readonly kills: readonly number[];
  readonly records: readonly KeptRecord[];
  readonly counters: readonly Counter[];
  /** What the durable queue still has. */
  readonly queued: readonly string[];
  /** What was found on the machine after the end. */
  readonly left: readonly string[];
}

/** Of the alarm, whose firings nobody is answered. */
export const alarmMarker = 'tick';
