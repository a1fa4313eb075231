/**
 * The built-in feed providers of `/whisk.system`: alarms, which fire by the clock, and webhooks, which others call.
 * Their state is in the store, so they survive a restart and a `kill -9`.
 */
import { KeyedLock } from '../../lib/index.ts';
import type { BuiltinAction } from '../builtin.ts';
import { type PlainRef, plainNameOf } from '../entities/entity-row.ts';
import { type DueClock, startDueClock } from '../triggers/delivery-clock.ts';
import { type AlarmFiringOptions, createAlarmFiring } from './alarm-firing.ts';
import { redateAlarms } from './alarm-redating.ts';
import { createAlarms } from './alarms.ts';
import { createClockWatch } from './clock-watch.ts';
import { createFeedList, type FeedList } from './feed-list.ts';
import { createFeedSlots } from './feed-slots.ts';
import { webhookProvider } from './webhook.ts';
import { createRefusalNotes } from './webhook-refusals.ts';
import { createWebhooks, type Webhooks, type WebhooksOptions } from './webhooks.ts';

export interface FeedLimits {
  readonly feedsPerNamespace: number;
  /** The shortest interval allowed between two dates of a cron. */
  readonly minCronIntervalMs: number;
  /** How late the last missed date of an alarm may be to be made up for. */
  readonly graceMs: number;
}

const defaultFeedLimits: FeedLimits = {
  feedsPerNamespace: 1000,
  minCronIntervalMs: 1000,
  graceMs: 86_400_000,
};

type FeedsOptions = Omit<AlarmFiringOptions, 'lock' | 'now' | 'graceMs' | 'isClosing'> &
  Omit<WebhooksOptions, 'slots' | 'lock' | 'now' | 'refusals'> & {
    readonly limits?: Partial<FeedLimits>;
    /** Epoch milliseconds. */
    readonly now?: () => number;
    /** A monotonic clock, in milliseconds. */
    readonly elapsed?: () => number;
    /** Called with how far the clock was set, in milliseconds. Negative if back. */
    readonly onClockJump?: ((jumpMs: number) => void) | undefined;
  };

export interface Feeds {
  /** Built-in actions of `/whisk.system`. */
  readonly actions: readonly BuiltinAction[];
  /** Finds a webhook by the token in its URL. @throws Fault NOT_FOUND */
  readonly openWebhook: Webhooks['open'];
  readonly list: FeedList;
  /** Fires what is due now. Once started, the clock does this itself. */
  fireDue(): Promise<void>;
  /** Starts the clock. */
  start(): void;
  /** Stops the clock, and waits for firings under way. */
  close(): Promise<void>;
  /** Must be called when a trigger was deleted, to remove its feed. */
  forget(trigger: PlainRef): Promise<void>;
}

/**
 * The longest pause between two looks at the clock, which may have been set, and at the store, which another process
 * may have changed.
 */
const longestSleepMs = 30_000;

export function createFeeds({ limits: changed, ...given }: FeedsOptions): Feeds {
  const limits = { ...defaultFeedLimits, ...changed };
  const { feeds, triggers, log, now = Date.now, elapsed = () => performance.now() } = given;
  const lock = new KeyedLock();
  const slots = createFeedSlots({ feeds, triggers, maxPerNamespace: limits.feedsPerNamespace });
  let closing = false;
  const refusals = createRefusalNotes({ feeds, provider: webhookProvider, lock, log, elapsed });
  const options = { ...given, ...limits, now, lock, slots, refusals, isClosing: () => closing };
  const firing = createAlarmFiring(options);
  const webhooks = createWebhooks(options);
  const watch = createClockWatch({ now, elapsed, log, onJump: given.onClockJump });
  // Also done at the first look, because the clock may have been set before the start.
  let isDatingDue = true;
  let clock: DueClock | undefined;
  let running: Promise<void> = Promise.resolve();
  const alarms = createAlarms({ ...options, onDue: (dueAt) => clock?.expect(dueAt) });
  const fireDue = async (): Promise<void> => {
    if (watch.look() < 0) isDatingDue = true;
    if (isDatingDue) await redateAlarms(options);
    isDatingDue = false;
    await firing.fireDue();
  };

  return {
    actions: [...alarms, webhooks.action],
    openWebhook: webhooks.open,
    list: createFeedList(options),
    fireDue,
    start() {
      clock = startDueClock({
        work() {
          running = fireDue();
          return running;
        },
        async nextDue() {
          const latest = now() + longestSleepMs;
          return Math.min((await feeds.nextDue()) ?? latest, latest);
        },
        log,
      });
    },
    async close() {
      closing = true;
      clock?.[Symbol.dispose]();
      await running.catch(() => {});
      await refusals.close();
    },
    async forget(trigger) {
      await lock.run(plainNameOf(trigger), () => feeds.delete(trigger.namespace, trigger.name));
    },
  };
}
