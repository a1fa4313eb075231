/** The configuration of an alarm, as it is stored, and the dates that follow from it. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { parseCron } from './cron.ts';

/** Dates are stored as they were sent: epoch milliseconds, or text that `Date` parses. */
const date = z.union([z.number(), z.string()]);
const bounds = { startDate: date.optional(), stopDate: date.optional(), maxTriggers: z.number().optional() };

const cronConfig = z.object({
  kind: z.literal('alarm'),
  cron: z.string(),
  timezone: z.string().optional(),
  strict: z.boolean().optional(),
  ...bounds,
});
const intervalConfig = z.object({
  kind: z.literal('interval'),
  minutes: z.number(),
  ...bounds,
  startDate: date,
});
const onceConfig = z.object({
  kind: z.literal('once'),
  date,
  deleteAfterFire: z.enum(['false', 'true', 'rules']).optional(),
});

export const alarmConfigSchema = z.discriminatedUnion('kind', [cronConfig, intervalConfig, onceConfig]);

export type CronConfig = z.infer<typeof cronConfig>;
export type IntervalConfig = z.infer<typeof intervalConfig>;
type OnceConfig = z.infer<typeof onceConfig>;
export type AlarmConfig = CronConfig | IntervalConfig | OnceConfig;
export type AlarmKind = AlarmConfig['kind'];
export type SentDate = z.infer<typeof date>;

export interface Schedule {
  /** The first date after `after`, in epoch milliseconds. Undefined if there is none. */
  next(after: number): number | undefined;
}

const minuteMs = 60_000;

/** Number of its firings. Null: unlimited. */
export function maxFirings(config: AlarmConfig): number | null {
  return config.kind === 'once' ? null : (config.maxTriggers ?? null);
}

export function timeOf(sent: SentDate): number {
  return new Date(sent).getTime();
}

/**
 * @param seed the trigger's full name, which determines the delay of an alarm that need not be strict
 * @param hasBegun its start date has passed and may come again after the clock was set back, so earlier dates count,
 * too
 * @throws Fault FEED_INVALID
 */
export function scheduleOf(config: AlarmConfig, seed: string, hasBegun = false): Schedule {
  if (config.kind === 'once') {
    const at = timeOf(config.date);
    return { next: (after) => (at > after ? at : undefined) };
  }
  const stopsAt = config.stopDate === undefined ? Number.POSITIVE_INFINITY : timeOf(config.stopDate);
  const next =
    config.kind === 'interval' ? intervalDates(config, hasBegun) : cronDates(config, seed, hasBegun);
  return {
    next(after) {
      const at = next(after);
      return at !== undefined && at <= stopsAt ? at : undefined;
    },
  };
}

function intervalDates(config: IntervalConfig, hasBegun: boolean): Schedule['next'] {
  const startsAt = timeOf(config.startDate);
  const periodMs = config.minutes * minuteMs;
  return (after: number) => {
    const elapsed = after < startsAt && !hasBegun ? 0 : Math.floor((after - startsAt) / periodMs) + 1;
    return startsAt + elapsed * periodMs;
  };
}

function cronDates(config: CronConfig, seed: string, hasBegun: boolean): Schedule['next'] {
  const dates = parseCron(config.cron, config.timezone);
  const { startDate } = config;
  const startsAt = startDate === undefined || hasBegun ? Number.NEGATIVE_INFINITY : timeOf(startDate);
  const delayMs = config.strict === false && !dates.hasSeconds ? delayOf(seed) : 0;
  return (after) => {
    const at = dates.next(Math.max(after, startsAt - 1) - delayMs);
    return at === undefined ? undefined : at + delayMs;
  };
}

/** Returns 0 to 59 seconds, in milliseconds. */
function delayOf(seed: string): number {
  return (hash('sha256', seed, 'buffer').readUInt32BE() % 60) * 1000;
}
