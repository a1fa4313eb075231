/** Parses the parameters of a feed action for an alarm. Texts are OpenWhisk's where it has one. */
import type { JsonObject } from '../../lib/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import {
  type AlarmConfig,
  type AlarmKind,
  type CronConfig,
  type IntervalConfig,
  scheduleOf,
  timeOf,
} from './alarm-config.ts';
import { type CronGuard, checkCron } from './cron.ts';
import {
  booleanParameter,
  dateParameter,
  integerParameter,
  invalidFeed,
  parameter,
  payloadParameter,
  shown,
  textParameter,
  wordParameter,
} from './parameters.ts';

interface AlarmPut {
  readonly config: AlarmConfig;
  /** Undefined: unchanged. */
  readonly payload: JsonObject | undefined;
  /** Its next date, in epoch milliseconds. */
  readonly date: number;
}

interface PutContext {
  readonly trigger: PlainRef;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly guard: CronGuard;
}

/** Leaves time to make the rules that an interval without a start date will fire. */
const intervalStartMs = 30_000;
/** A hundred years, so that every date can be represented. */
const maxMinutes = 52_596_000;
const updatable: Readonly<Record<AlarmKind, readonly string[]>> = {
  alarm: ['cron', 'timezone', 'strict', 'startDate', 'stopDate'],
  interval: ['minutes', 'startDate', 'stopDate'],
  once: ['date', 'deleteAfterFire'],
};
const deletions = ['false', 'true', 'rules'] as const;

/** @throws Fault FEED_INVALID */
export function parseAlarmCreate(kind: AlarmKind, args: JsonObject, context: PutContext): AlarmPut {
  const config = creators[kind](args, context.now);
  return { config, payload: payloadParameter(args) ?? {}, date: firstDate(config, context) };
}

/** @throws Fault FEED_INVALID, also if nothing that can be changed was sent */
export function parseAlarmUpdate(old: AlarmConfig, args: JsonObject, context: PutContext): AlarmPut {
  const config = changed(old, args, context.now);
  const payload = payloadParameter(args);
  if (payload === undefined && updatable[old.kind].every((name) => parameter(args, name) === undefined)) {
    throw invalidFeed('no updatable parameters were specified');
  }
  return { config, payload, date: firstDate(config, context) };
}

type Creators = Readonly<Record<AlarmKind, (args: JsonObject, now: number) => AlarmConfig>>;

const creators: Creators = {
  alarm(args, now) {
    const { cron, ...settings } = cronSettings(args);
    if (cron === undefined) throw invalidFeed('alarms trigger feed is missing the cron parameter');
    const config: CronConfig = { kind: 'alarm', cron, ...settings, ...boundsOf(args, now) };
    return checkSpan(config);
  },
  interval(args, now) {
    const { minutes } = intervalSettings(args);
    if (minutes === undefined) throw invalidFeed('interval trigger feed is missing the minutes parameter');
    const startDate = now + intervalStartMs;
    const config: IntervalConfig = { kind: 'interval', minutes, startDate, ...boundsOf(args, now) };
    return checkSpan(config);
  },
  once(args, now) {
    const { date, ...settings } = onceSettings(args, now);
    if (date === undefined) throw invalidFeed('alarms once trigger feed is missing the date parameter');
    return { kind: 'once', date, ...settings };
  },
};

/** The config with the parameters that were sent. */
function changed(old: AlarmConfig, args: JsonObject, now: number): AlarmConfig {
  if (old.kind === 'once') return { ...old, ...onceSettings(args, now) };
  if (old.kind === 'alarm') return checkSpan({ ...old, ...cronSettings(args), ...spanOf(args, now) });
  return checkSpan({ ...old, ...intervalSettings(args), ...spanOf(args, now) });
}

function cronSettings(args: JsonObject) {
  const cron = parameter(args, 'cron');
  const timezone = textParameter(args, 'timezone');
  const strict = booleanParameter(args, 'strict');
  return {
    ...(cron === undefined ? {} : { cron: typeof cron === 'string' ? cron : shown(cron) }),
    ...(timezone === undefined ? {} : { timezone }),
    ...(strict === undefined ? {} : { strict }),
  };
}

function intervalSettings(args: JsonObject) {
  const minutes = integerParameter(args, 'minutes');
  if (minutes !== undefined && minutes <= 0) {
    throw invalidFeed('the minutes parameter must be an integer greater than zero');
  }
  if (minutes !== undefined && minutes > maxMinutes) {
    throw invalidFeed(`the minutes parameter must be an integer of at most ${maxMinutes}`);
  }
  return minutes === undefined ? {} : { minutes };
}

function onceSettings(args: JsonObject, now: number) {
  const date = dateParameter(args, 'date', now);
  const deleteAfterFire = wordParameter(args, 'deleteAfterFire', deletions);
  return {
    ...(date === undefined ? {} : { date }),
    ...(deleteAfterFire === undefined ? {} : { deleteAfterFire }),
  };
}

function spanOf(args: JsonObject, now: number) {
  const startDate = dateParameter(args, 'startDate', now);
  const stopDate = dateParameter(args, 'stopDate', now);
  return {
    ...(startDate === undefined ? {} : { startDate }),
    ...(stopDate === undefined ? {} : { stopDate }),
  };
}

function boundsOf(args: JsonObject, now: number) {
  const span = spanOf(args, now);
  const maxTriggers = integerParameter(args, 'maxTriggers') ?? -1;
  if (maxTriggers === -1) return span;
  if (maxTriggers <= 0) throw invalidFeed('the maxTriggers parameter must be an integer greater than zero');
  if (span.stopDate === undefined) return { ...span, maxTriggers };
  throw invalidFeed('maxTriggers is not allowed when the stopDate parameter is specified');
}

function checkSpan<Config extends CronConfig | IntervalConfig>(config: Config): Config {
  const { startDate, stopDate } = config;
  if (startDate === undefined || stopDate === undefined || timeOf(stopDate) > timeOf(startDate))
    return config;
  throw invalidFeed(
    `stopDate parameter '${shown(stopDate)}' must be greater than the startDate parameter '${shown(startDate)}'`,
  );
}

function firstDate(config: AlarmConfig, { trigger, now, guard }: PutContext): number {
  if (config.kind === 'alarm') {
    const from = config.startDate === undefined ? now : Math.max(now, timeOf(config.startDate) - 1);
    checkCron(config.cron, config.timezone, from, guard);
  }
  const date = scheduleOf(config, `${trigger.namespace}/${trigger.name}`).next(now);
  if (date !== undefined) return date;
  throw invalidFeed(
    config.kind === 'once'
      ? `date parameter '${shown(config.date)}' must be in the future`
      : 'the first scheduled trigger fire is not until after the stop date',
  );
}
