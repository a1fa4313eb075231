/** The built-in feeds of a namespace as a list: what fires its triggers, and when. Payloads and secrets stay closed. */
import type { FeedRow, FeedStore } from '../../store/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import type { NamespaceName } from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import type { ParameterReads } from '../entities/parameter-reads.ts';
import { notFound } from '../faults.ts';
import type { KeyScope } from '../namespaces/key-scopes.ts';
import type { Vault } from '../vault/vault.ts';
import { type Alarm, alarmOfRow, alarmSchedule } from './alarm.ts';
import type { AlarmConfig } from './alarm-config.ts';
import type { AlarmState } from './alarm-state.ts';
import { mayReadUrl, type Webhook, webhookOfRow, webhookProvider, webhookUrl } from './webhook.ts';
import type { RefusalNotes, Refusals } from './webhook-refusals.ts';
import { noteUrl } from './webhooks.ts';

/** All times are epoch milliseconds. */
export interface FeedSummary {
  readonly trigger: string;
  /** Name of the feed's action. */
  readonly feed: string;
  readonly isActive: boolean;
  /** Why it is not active. */
  readonly reason?: string;
  /** When it was last activated, paused or ended. */
  readonly dateChanged: number;
  readonly nextFire?: number;
  /** The next dates of an alarm, at most 5, only where one feed is asked for. */
  readonly nextFires?: readonly number[];
  readonly triggersLeft?: number;
  /** The last dates that an alarm dealt with late. */
  readonly missed?: NonNullable<AlarmState['missed']>;
  readonly alarm?: AlarmConfig;
  readonly webhook?: {
    readonly signature: Webhook['signature'];
    /** A secret: only where one feed is asked for, by a key that may fire or change it. */
    readonly url?: string;
    readonly refused?: Refusals;
  };
}

export interface FeedList {
  /** By the trigger's name. @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
  list(namespace: NamespaceName, page: ListRange): Promise<readonly FeedSummary[]>;
  /**
   * The feed of a trigger. The audit log names who has read a URL.
   * @throws Fault NOT_FOUND, STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING, and those of the store
   */
  get(trigger: PlainRef, scope: KeyScope): Promise<FeedSummary>;
  count(namespace: NamespaceName): Promise<number>;
}

interface FeedListOptions {
  readonly feeds: FeedStore;
  readonly vault: Vault;
  readonly apiHost: () => string;
  readonly parameterReads: Pick<ParameterReads, 'note'>;
  readonly refusals: RefusalNotes;
}

export function createFeedList(options: FeedListOptions): FeedList {
  return {
    async list(namespace, page) {
      const rows = await options.feeds.list(namespace, page);
      return rows.map((row) => entryOf(options, row));
    },
    async get(trigger, scope) {
      const row = await options.feeds.get(trigger.namespace, trigger.name);
      if (row === undefined) throw notFound();
      const entry = entryOf(options, row);
      if (entry.webhook === undefined) return { ...entry, nextFires: nextFires(alarmOfRow(row)) };
      if (!mayReadUrl(scope)) return entry;
      const url = webhookUrl(options.apiHost(), webhookOfRow(row, options.vault));
      await noteUrl(options.parameterReads, trigger, { url });
      return { ...entry, webhook: { ...entry.webhook, url } };
    },
    count: (namespace) => options.feeds.count(namespace),
  };
}

function entryOf(options: FeedListOptions, row: FeedRow): FeedSummary {
  return row.provider === webhookProvider ? webhookEntry(options, row) : alarmEntry(row);
}

function alarmEntry(row: FeedRow): FeedSummary {
  const { config, state } = alarmOfRow(row);
  const { active, dateChanged, reason } = state.status;
  return {
    ...{ trigger: row.trigger, feed: feedName(row), isActive: active, dateChanged },
    ...(reason === undefined ? {} : { reason: reason.message }),
    ...(state.date === null ? {} : { nextFire: state.date }),
    ...(state.remaining === null ? {} : { triggersLeft: state.remaining }),
    ...(state.missed === undefined ? {} : { missed: state.missed }),
    alarm: config,
  };
}

const mostDates = 5;

function nextFires(alarm: Alarm): readonly number[] {
  const { date, remaining } = alarm.state;
  const schedule = alarmSchedule(alarm);
  const dates: number[] = [];
  let at = date ?? undefined;
  while (at !== undefined && dates.length < Math.min(mostDates, remaining ?? mostDates)) {
    dates.push(at);
    at = schedule.next(at);
  }
  return dates;
}

function webhookEntry({ vault, refusals }: FeedListOptions, row: FeedRow): FeedSummary {
  const { trigger, isActive, dateChanged, signature, ...webhook } = webhookOfRow(row, vault);
  const refused = refusals.withNew(trigger, webhook.refused);
  return {
    ...{ trigger: row.trigger, feed: feedName(row), isActive, dateChanged },
    ...(isActive ? {} : { reason: 'Paused' }),
    webhook: { signature, ...(refused && { refused }) },
  };
}

function feedName({ provider }: FeedRow): string {
  return `/whisk.system/${provider}`;
}
