/** The built-in feeds of a namespace as a list: what fires its triggers, and when. Payloads and secrets stay closed. */
import type { FeedRow, FeedStore } from '../../store/index.ts';
import type { NamespaceName } from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import type { Vault } from '../vault/vault.ts';
import { alarmOfRow } from './alarm.ts';
import type { AlarmConfig } from './alarm-config.ts';
import type { AlarmState } from './alarm-state.ts';
import { type Webhook, webhookOfRow, webhookProvider, webhookUrl } from './webhook.ts';

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
  readonly triggersLeft?: number;
  /** The last dates that an alarm dealt with late. */
  readonly missed?: NonNullable<AlarmState['missed']>;
  readonly alarm?: AlarmConfig;
  readonly webhook?: {
    readonly signature: Webhook['signature'];
    /** A secret: absent for those who may not fire triggers. */
    readonly url?: string;
  };
}

export interface FeedList {
  /** By the trigger's name. @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
  list(
    namespace: NamespaceName,
    page: ListRange,
    options: { readonly withUrls: boolean },
  ): Promise<readonly FeedSummary[]>;
  count(namespace: NamespaceName): Promise<number>;
}

interface FeedListOptions {
  readonly feeds: FeedStore;
  readonly vault: Vault;
  readonly apiHost: () => string;
}

export function createFeedList(options: FeedListOptions): FeedList {
  return {
    async list(namespace, page, { withUrls }) {
      const rows = await options.feeds.list(namespace, page);
      return rows.map((row) =>
        row.provider === webhookProvider ? webhookEntry(options, row, withUrls) : alarmEntry(row),
      );
    },
    count: (namespace) => options.feeds.count(namespace),
  };
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

function webhookEntry({ vault, apiHost }: FeedListOptions, row: FeedRow, withUrls: boolean): FeedSummary {
  const webhook = webhookOfRow(row, vault);
  const { isActive, dateChanged, signature } = webhook;
  const url = withUrls ? { url: webhookUrl(apiHost(), webhook) } : {};
  return {
    ...{ trigger: row.trigger, feed: feedName(row), isActive, dateChanged },
    ...(isActive ? {} : { reason: 'Paused' }),
    webhook: { signature, ...url },
  };
}

function feedName({ provider }: FeedRow): string {
  return `/whisk.system/${provider}`;
}
