/** An alarm is a trigger's feed that fires by the clock. Its row, and what a READ shows of it. */
import { z } from 'zod';
import { type JsonObject, randomHex } from '../../lib/index.ts';
import type { FeedRow } from '../../store/index.ts';
import { corrupt, type PlainRef, storedName, storedNamespace } from '../entities/entity-row.ts';
import { type AlarmConfig, alarmConfigSchema, type Schedule, scheduleOf } from './alarm-config.ts';
import { type AlarmState, alarmStateSchema } from './alarm-state.ts';

export interface Alarm {
  readonly trigger: PlainRef;
  readonly config: AlarmConfig;
  /** The payload of the firings, encrypted. */
  readonly payload: string;
  readonly state: AlarmState;
  readonly revision: string;
}

const stored = z.object({
  namespace: storedNamespace,
  trigger: storedName,
  document: z.object({ config: alarmConfigSchema, payload: z.string(), state: alarmStateSchema }),
});

/** @throws Fault STORED_ENTITY_CORRUPT */
export function alarmOfRow(row: FeedRow): Alarm {
  const parsed = stored.safeParse(row);
  if (!parsed.success) throw corrupt(parsed.error);
  const { namespace, trigger: name, document } = parsed.data;
  return { trigger: { namespace, name }, ...document, revision: row.revision };
}

/** @param dueAt when to process it, if that is not its date */
export function rowOfAlarm(alarm: Alarm, dueAt: number | null = alarm.state.date): FeedRow {
  const { trigger, config, payload, state, revision } = alarm;
  return {
    namespace: trigger.namespace,
    trigger: trigger.name,
    provider: `alarms/${config.kind}`,
    revision,
    token: null,
    dueAt,
    document: { config, payload, state },
  };
}

export function changedAlarm(alarm: Alarm, change: Partial<Omit<Alarm, 'trigger' | 'revision'>>): Alarm {
  return { ...alarm, ...change, revision: randomHex(16) };
}

/** @throws Fault FEED_INVALID */
export function alarmSchedule({ trigger, config, state }: Alarm): Schedule {
  return scheduleOf(config, `${trigger.namespace}/${trigger.name}`, state.settledAt !== undefined);
}

/** Describes it as OpenWhisk does, with the time of the next firing. */
export function describeAlarm({ trigger, config, state }: Alarm, payload: JsonObject): JsonObject {
  const { kind: _, ...settings } = config;
  const { active, dateChanged, reason } = state.status;
  return {
    config: { name: trigger.name, namespace: trigger.namespace, payload, ...settings },
    status: {
      active,
      dateChanged,
      dateChangedISO: isoTime(dateChanged),
      ...(reason === undefined ? {} : { reason }),
      ...(state.date === null ? {} : { nextFire: isoTime(state.date) }),
      ...(state.remaining === null ? {} : { triggersLeft: state.remaining }),
    },
  };
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
