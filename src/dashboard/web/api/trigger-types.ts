/** Triggers, what fires them, and what they call, as the API answers. All times are epoch milliseconds. */

interface KeyValue {
  readonly key: string;
  readonly value: unknown;
}

export interface TriggerSummary {
  readonly name: string;
  readonly updated: number;
  readonly annotations: readonly KeyValue[];
}

interface EntityPath {
  readonly path: string;
  readonly name: string;
}

export interface Trigger extends TriggerSummary {
  readonly version: string;
  readonly parameters: readonly KeyValue[];
  /** By their full names. */
  readonly rules: Readonly<Record<string, { readonly action: EntityPath; readonly status: string }>>;
}

export interface RuleSummary {
  readonly name: string;
  readonly trigger: EntityPath;
  readonly action: EntityPath;
}

/** `GET /ward/v1/namespaces/_/feeds`. */
export interface Feed {
  readonly trigger: string;
  /** Name of the feed's action. */
  readonly feed: string;
  readonly isActive: boolean;
  readonly reason?: string;
  readonly dateChanged: number;
  readonly nextFire?: number;
  /** At most 5, only where one feed is asked for. */
  readonly nextFires?: readonly number[];
  readonly triggersLeft?: number;
  readonly missed?: { readonly date: number; readonly at: number; readonly isMadeUp: boolean };
  readonly alarm?: Alarm;
  readonly webhook?: {
    readonly signature: string;
    /** Only where one feed is asked for, by a key that may fire or change it; with an entry in the audit log. */
    readonly url?: string;
    readonly refused?: Refusals;
  };
}

/** Requests that a webhook refused, the newest first. */
export interface Refusals {
  readonly count: number;
  readonly last: readonly { readonly at: number; readonly status: number; readonly address: string }[];
}

type SentDate = number | string;

export type Alarm =
  | {
      readonly kind: 'alarm';
      readonly cron: string;
      readonly timezone?: string;
      readonly startDate?: SentDate;
      readonly stopDate?: SentDate;
    }
  | {
      readonly kind: 'interval';
      readonly minutes: number;
      readonly startDate?: SentDate;
      readonly stopDate?: SentDate;
    }
  | { readonly kind: 'once'; readonly date: SentDate };

export interface DeadLetter {
  readonly id: string;
  readonly rule: string;
  readonly trigger: string;
  readonly action: string;
  readonly attempts: number;
  readonly error: string;
  readonly activationId: string;
  readonly createdAt: number;
  readonly failedAt: number;
}

/** The record of a trigger's firing; each line of its log is the outcome of a rule. */
export interface Firing {
  readonly activationId: string;
  readonly start: number;
  readonly logs?: readonly string[];
}
