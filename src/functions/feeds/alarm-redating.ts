/**
 * After the clock was set back, alarms wait for dates of the old time. Here they get their next dates by the new one. It
 * is done for all at each start too, as the clock may have been set while Ward was down; an alarm whose dates are of a
 * time that has been stays as it is.
 */

import { type KeyedLock, type Log, messageOf } from '../../lib/index.ts';
import type { FeedPlace, FeedRow, FeedStore } from '../../store/index.ts';
import { plainNameOf } from '../entities/entity-row.ts';
import { alarmOfRow, alarmSchedule, changedAlarm, rowOfAlarm } from './alarm.ts';
import { redated } from './alarm-state.ts';

interface AlarmRedatingOptions {
  readonly feeds: FeedStore;
  /** By the trigger's path: a change of its feed waits for its firing, and the other way round. */
  readonly lock: KeyedLock;
  readonly log: Log;
  readonly now: () => number;
  readonly isClosing: () => boolean;
}

/** Rows that are read together; each may hold a payload of a megabyte. */
const batchSize = 32;
/** The longest that a refused firing waits by the new clock. */
const longestRetryMs = 60_000;

/** @throws when the store does: it is to be done again */
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

/** Whether it has another time now. */
async function redateRow(options: AlarmRedatingOptions, row: FeedRow): Promise<boolean> {
  const { feeds, lock } = options;
  const found = redatedRow(options, row);
  if (found === undefined) return false;
  if (await lock.run(plainNameOf(found.trigger), () => feeds.put(found.changed, row.revision))) return true;
  const current = await feeds.get(row.namespace, row.trigger);
  return current !== undefined && redateRow(options, current);
}

/** Undefined when it may stay as it is, or can't be read. */
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
