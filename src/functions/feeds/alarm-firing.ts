/**
 * Fires the alarms that are due. A date is fired at most once: before the trigger is fired, the row is moved on to
 * the next date by a write that fails if another process has moved it. A firing that Ward refuses for now (the
 * namespace has fired too often, Ward is busy, or its disk accepts no writes) is put back and retried. A firing that
 * a `kill -9` cuts off in between is lost.
 *
 * A refused namespace is not tried again before it may fire: its other due alarms are put off unread, so that a
 * namespace with many alarms does not delay the others.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, isFault, type KeyedLock, type Log, messageOf, newId } from '../../lib/index.ts';
import { type FeedRow, type FeedStore, mayPass } from '../../store/index.ts';
import { corrupt, plainNameOf } from '../entities/entity-row.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import type { FiringService } from '../triggers/firing.ts';
import type { Vault } from '../vault/vault.ts';
import { type Alarm, alarmOfRow, alarmSchedule, changedAlarm, rowOfAlarm } from './alarm.ts';
import { type AlarmState, advance, endedState } from './alarm-state.ts';
import { openPayload } from './alarms.ts';
import { inTurns, runBounded } from './fair-batch.ts';
import { removeFiredTrigger, type TriggerRemovalOptions } from './fired-trigger.ts';

export interface AlarmFiringOptions extends TriggerRemovalOptions {
  readonly feeds: FeedStore;
  readonly namespaces: Pick<NamespaceService, 'identityOf'>;
  readonly fire: FiringService['fire'];
  readonly vault: Vault;
  /** By the trigger's path, so that a change of its feed and its firing wait for each other. */
  readonly lock: KeyedLock;
  readonly log: Log;
  readonly now: () => number;
  readonly graceMs: number;
  readonly isClosing: () => boolean;
}

interface AlarmFiring {
  /** Resolves when nothing is due any more or Ward is closing. @throws when some alarms could not even be put off */
  fireDue(): Promise<void>;
}

/** Rows that are read together. Each may hold a payload of a megabyte. */
const batchSize = 32;
const concurrency = 16;
/** Pause before a refused firing is retried, if the refusal names no time. */
const retryMs = 5000;
/** Pause before an alarm is tried again that failed for a reason on the server's side. */
const troubleMs = 60_000;

/** Pause before the database is asked again whether an alarm was moved on. */
const readAgainMs = 1000;

/** Until when the firings of each namespace are refused, in epoch milliseconds. */
type Refused = Map<string, number>;

export function createAlarmFiring(options: AlarmFiringOptions): AlarmFiring {
  const { feeds, log, now } = options;
  return {
    async fireDue() {
      const refused: Refused = new Map();
      while (!options.isClosing()) {
        const rows = await feeds.due(now(), batchSize);
        if (rows.length === 0) return;
        const failures: unknown[] = [];
        await runBounded(inTurns(rows), concurrency, async (row) => {
          const { namespace, trigger } = row;
          try {
            await fireRow(options, row, refused);
          } catch (error) {
            log.error({ namespace, trigger, reason: messageOf(error) }, 'an alarm could not be fired');
            await afterTrouble(options, row, error).catch((failure: unknown) => failures.push(failure));
          }
        });
        if (failures.length > 0) throw failures[0];
      }
    },
  };
}

async function fireRow(options: AlarmFiringOptions, row: FeedRow, refused: Refused): Promise<void> {
  const until = refused.get(row.namespace);
  if (until !== undefined && until > options.now()) {
    await putOff(options, row, until);
    return;
  }
  const alarm = alarmOfRow(row);
  const isFired = await options.lock.run(plainNameOf(alarm.trigger), () =>
    fireAlarm(options, alarm, refused),
  );
  const { config, trigger } = alarm;
  if (!isFired || config.kind !== 'once' || (config.deleteAfterFire ?? 'false') === 'false') return;
  await removeFiredTrigger(options, trigger, config.deleteAfterFire === 'rules');
}

/** Returns whether the trigger was fired. */
async function fireAlarm(options: AlarmFiringOptions, alarm: Alarm, refused: Refused): Promise<boolean> {
  const { log, now, graceMs } = options;
  const { trigger, config, state } = alarm;
  const at = now();
  if (!hasDate(state)) throw corrupt();
  const payload = openPayload(options.vault, alarm);
  // Before the claim: an alarm that fails here is put off, and not lost.
  const identity = await options.namespaces.identityOf(trigger.namespace);
  const step = advance(config, alarmSchedule(alarm), state, at, graceMs);
  const claimed = changedAlarm(alarm, { state: step.state });
  if (!(await claim(options, claimed, alarm.revision))) return false;
  if (!step.fires) {
    const missed = { namespace: trigger.namespace, trigger: trigger.name, date: new Date(state.date) };
    log.warn(missed, 'an alarm was missed for too long to be made up for');
    return false;
  }
  if (identity === undefined) return false;
  try {
    await options.fire({ identity, trigger, payload, transactionId: newId(), authorization: undefined });
    return true;
  } catch (error) {
    await afterRefusal(options, alarm, claimed, error, refused);
    return false;
  }
}

/** Moves the alarm on. False if another process has changed it. */
async function claim(
  { feeds, isClosing }: AlarmFiringOptions,
  claimed: Alarm,
  expected: string,
): Promise<boolean> {
  try {
    return await feeds.put(rowOfAlarm(claimed), expected);
  } catch (error) {
    if (!isFault(error, 'STORE_ANSWER_LOST')) throw error;
  }
  const { namespace, name } = claimed.trigger;
  for (;;) {
    try {
      return (await feeds.get(namespace, name))?.revision === claimed.revision;
    } catch (error) {
      if (!mayPass(error) || isClosing()) throw error;
      await sleep(readAgainMs, undefined, { ref: false });
    }
  }
}

/** Decides what happens to an alarm whose trigger could not be fired. */
async function afterRefusal(
  { feeds, log, now }: AlarmFiringOptions,
  alarm: Alarm,
  claimed: Alarm,
  error: unknown,
  refused: Refused,
): Promise<void> {
  const { namespace, name } = alarm.trigger;
  const about = { namespace, trigger: name, reason: messageOf(error) };
  if (isFault(error, 'NOT_FOUND') || isFault(error, 'WRONG_COLLECTION')) {
    log.warn(about, 'an alarm is removed because its trigger no longer exists');
    await feeds.delete(namespace, name);
    return;
  }
  if (error instanceof Fault && ['throttled', 'overloaded', 'busy', 'full'].includes(error.kind)) {
    const dueAt = now() + Math.max(error.retryAfterMs ?? retryMs, 1000);
    refused.set(namespace, dueAt);
    const putBack = changedAlarm(claimed, { state: alarm.state });
    await feeds.put(rowOfAlarm(putBack, dueAt), claimed.revision);
    return;
  }
  log.error(about, 'the trigger of an alarm could not be fired');
  if (alarm.config.kind !== 'once') return;
  const message = 'The trigger could not be fired because of an error of the platform';
  const failed = changedAlarm(claimed, { state: endedState(null, message, now()) });
  await feeds.put(rowOfAlarm(failed), claimed.revision);
}

/** Puts the alarm off, so that it is not due again at once. One that cannot be read is never due again. */
function afterTrouble(options: AlarmFiringOptions, row: FeedRow, error: unknown): Promise<void> {
  return putOff(options, row, isFault(error, 'STORED_ENTITY_CORRUPT') ? null : options.now() + troubleMs);
}

async function putOff({ feeds }: AlarmFiringOptions, row: FeedRow, dueAt: number | null): Promise<void> {
  await feeds.put({ ...row, revision: newId(), dueAt }, row.revision);
}

function hasDate(state: AlarmState): state is AlarmState & { readonly date: number } {
  return state.date !== null;
}
