/** The feed actions `/whisk.system/alarms/{alarm,interval,once}`. */
import { isJsonObject, type JsonObject, randomHex } from '../../lib/index.ts';
import type { BuiltinAction } from '../builtin.ts';
import { corrupt, type PlainRef } from '../entities/entity-row.ts';
import type { ParameterReads } from '../entities/parameter-reads.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { Vault } from '../vault/vault.ts';
import { type Alarm, alarmOfRow, alarmSchedule, changedAlarm, describeAlarm, rowOfAlarm } from './alarm.ts';
import { type AlarmKind, maxFirings } from './alarm-config.ts';
import { alarmDescriptions } from './alarm-descriptions.ts';
import { parseAlarmCreate, parseAlarmUpdate } from './alarm-put.ts';
import { activeState, dateAfter, isPaused, pausedState, unpausedState } from './alarm-state.ts';
import type { FeedSlots } from './feed-slots.ts';
import { type FeedActionOptions, feedAction, type Lifecycle, success } from './lifecycle.ts';
import { invalidFeed } from './parameters.ts';

interface AlarmsOptions extends FeedActionOptions {
  readonly slots: FeedSlots;
  readonly parameterReads: Pick<ParameterReads, 'note'>;
  readonly vault: Vault;
  readonly minCronIntervalMs: number;
  readonly now: () => number;
  /** Called when an alarm will be due, with its time in epoch milliseconds. */
  readonly onDue: (dueAt: number) => void;
}

const inPackage = 'alarms';

export function createAlarms(options: AlarmsOptions): readonly BuiltinAction[] {
  return alarmDescriptions.map(({ kind, ...description }) =>
    feedAction(description, alarmLifecycle(kind, options), { ...options, recorded: withoutPayload }),
  );
}

/** The payload with which an alarm fires its trigger. @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
export function openPayload(vault: Vault, { trigger, payload }: Alarm): JsonObject {
  const opened = vault.open(payload, placeOf(trigger));
  if (!isJsonObject(opened)) throw corrupt();
  return opened;
}

function alarmLifecycle(kind: AlarmKind, options: AlarmsOptions): Lifecycle {
  const { slots, vault, now, onDue } = options;
  const seal = (trigger: PlainRef, payload: JsonObject) => vault.seal(payload, placeOf(trigger));
  const contextOf = (trigger: PlainRef, { limits }: Identity) => {
    const guard = { minIntervalMs: options.minCronIntervalMs, maxPerMinute: limits.firesPerMinute };
    return { trigger, now: now(), guard };
  };
  const written = ({ state }: Alarm): JsonObject => {
    if (state.date !== null) onDue(state.date);
    return success;
  };
  const change = async (trigger: PlainRef, next: (old: Alarm) => Alarm): Promise<JsonObject> => {
    const row = await slots.find(trigger, inPackage);
    const old = alarmOfRow(row);
    const alarm = next(old);
    if (alarm !== old) await slots.replace(rowOfAlarm(alarm), row);
    return written(alarm);
  };
  return {
    async CREATE({ trigger, args, identity }) {
      const context = contextOf(trigger, identity);
      const { config, payload = {}, date } = parseAlarmCreate(kind, args, context);
      const state = activeState(date, maxFirings(config), context.now);
      const alarm = { trigger, config, payload: seal(trigger, payload), state, revision: randomHex(16) };
      await slots.fill(trigger, inPackage, () => rowOfAlarm(alarm));
      return written(alarm);
    },
    async READ({ trigger }) {
      const alarm = alarmOfRow(await slots.find(trigger, inPackage));
      const payload = openPayload(vault, alarm);
      const shown = Object.entries(payload).map(([key, value]) => ({ key, value: value ?? null }));
      await options.parameterReads.note('alarm', trigger, shown);
      return describeAlarm(alarm, payload);
    },
    UPDATE: ({ trigger, args, identity }) =>
      change(trigger, (old) => {
        const context = contextOf(trigger, identity);
        const { config, payload, date } = parseAlarmUpdate(old.config, args, context);
        const sealed = payload === undefined ? old.payload : seal(trigger, payload);
        // A date that is due right now must still fire, unless the alarm has other dates now.
        const isRescheduled =
          old.state.date === null || JSON.stringify(config) !== JSON.stringify(old.config);
        const keepsState = isPaused(old.state) || !isRescheduled;
        const state = keepsState ? old.state : activeState(date, maxFirings(config), context.now);
        return changedAlarm(old, { config, payload: sealed, state });
      }),
    PAUSE: ({ trigger }) =>
      change(trigger, (old) =>
        old.state.status.active ? changedAlarm(old, { state: pausedState(old.state, now()) }) : old,
      ),
    UNPAUSE: ({ trigger }) =>
      change(trigger, (old) => {
        if (!isPaused(old.state)) return old;
        const date = dateAfter(alarmSchedule(old), old.state, now());
        if (date === undefined) throw invalidFeed('the alarm has no date left: update or delete it');
        return changedAlarm(old, { state: unpausedState(old.state, date, now()) });
      }),
    async DELETE({ trigger }) {
      await slots.clear(trigger, inPackage);
      return success;
    },
  };
}

function withoutPayload({ config, ...result }: JsonObject): JsonObject {
  if (!isJsonObject(config)) return result;
  const { payload: _, ...rest } = config;
  return { ...result, config: rest };
}

function placeOf({ namespace, name }: PlainRef): string {
  return `${namespace}/${name} feed`;
}
