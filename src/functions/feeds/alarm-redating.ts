/**
 * Recomputes the next dates of alarms after the clock was set back, because they wait for dates of the old time. Runs
 * for all alarms at each start too, because the clock may have been set while Ward was down. An alarm whose dates are
 * plausible stays as it is.
 */

import { type KeyedLock, type Log, messageOf } from '../../lib/index.ts';
import type { FeedPlace, FeedRow, FeedStore } from '../../store/index.ts';
import { plainNameOf } from '../entities/entity-row.ts';
import { alarmOfRow, alarmSchedule, changedAlarm, rowOfAlarm } from './alarm.ts';
import { redated } from './alarm-state.ts';

interface AlarmRedatingOptions {
  readonly feeds: FeedStore;
  /** By the trigger's path, so that a change of its feed and its firing wait for each other. */
  readonly lock: KeyedLock;
  readonly log: Log;
  readonly now: () => number;
  readonly isClosing: () => boolean;
}

/** Rows that are read together. Each may hold a payload of a megabyte. */
const batchSize = 32;
/** The longest time, by the new clock, until a refused firing is retried. */
const longestRetryMs = 60_000;

/** @throws what the store throws; then it must be repeated */
export async function redateAlarms(options: AlarmRedatingOptions): Promise<void> {
  const { feeds, log, isClosing } = options;
  let alarms = 0;
  let after: FeedPlace | undefined;
  while (!isClosing()) {
    const rows = await feeds.waiting(batchSize, after);
    for (const row of rows) if (await redateRow(options, row)) alarms++;
    after = rows.at(-1);
    if (rows.length < batchSize) break;
  }
  if (alarms > 0)
    log.warn({ alarms }, 'alarms were dated by a clock that has been set back, and go by the new time');
}

/** Returns whether its date has changed. */
async function redateRow(options: AlarmRedatingOptions, row: FeedRow): Promise<boolean> {
  const { feeds, lock } = options;
  const found = redatedRow(options, row);
  if (found === undefined) return false;
  if (await lock.run(plainNameOf(found.trigger), () => feeds.put(found.changed, row.revision))) return true;
  const current = await feeds.get(row.namespace, row.trigger);
  return current !== undefined && redateRow(options, current);
}

/** Undefined if it can stay as it is, or cannot be read. */
function redatedRow({ log, now }: AlarmRedatingOptions, row: FeedRow) {
  const { namespace, trigger } = row;
  const at = now();
  try {
    const alarm = alarmOfRow(row);
    const state = redated(alarm.state, () => alarmSchedule(alarm), at);
    if (state.date === null || row.dueAt === null) return;
    const dueAt = state.date > at ? state.date : Math.min(row.dueAt, at + longestRetryMs);
    if (state === alarm.state && dueAt === row.dueAt) return;
    return { trigger: alarm.trigger, changed: rowOfAlarm(changedAlarm(alarm, { state }), dueAt) };
  } catch (error) {
    const about = { namespace, trigger, reason: messageOf(error) };
    log.error(about, 'an alarm could not be dated by the new time');
    return;
  }
}
