/** What fires triggers, and calls that were given up. All times are epoch milliseconds. */

/** `GET /ward/v1/namespaces/_/feeds`. */
export interface Feed {
  readonly trigger: string;
  /** Name of the feed's action. */
  readonly feed: string;
  readonly isActive: boolean;
  readonly reason?: string | undefined;
  readonly dateChanged: number;
  readonly nextFire?: number | undefined;
  /** At most 5, only where one feed is asked for. */
  readonly nextFires?: readonly number[] | undefined;
  readonly triggersLeft?: number | undefined;
  readonly missed?: { readonly date: number; readonly at: number; readonly isMadeUp: boolean } | undefined;
  readonly alarm?: Alarm | undefined;
  readonly webhook?:
    | {
        readonly signature: string;
        /** Only where one feed is asked for, by a key that may fire or change it; with an entry in the audit log. */
        readonly url?: string | undefined;
        readonly refused?: Refusals | undefined;
      }
    | undefined;
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
      readonly timezone?: string | undefined;
      readonly startDate?: SentDate | undefined;
      readonly stopDate?: SentDate | undefined;
    }
  | {
      readonly kind: 'interval';
      readonly minutes: number;
      readonly startDate?: SentDate | undefined;
      readonly stopDate?: SentDate | undefined;
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
