/**
 * How far an alarm has come, and what a look at the clock makes of it. Pure: the same config, state and time always
 * give the same step.
 *
 * What was missed (Ward was down, the clock was set forward, the namespace had fired enough) is made up for once,
 * whatever the number of dates, if one of them lies within the grace; then the alarm goes on with its next regular
 * date. An alarm that fires only once is never too late.
 *
 * When the clock was set back, dates come again. They are dates as any others, but for the one that came last, which
 * does not come twice; and what has begun does not wait for its start date again.
 */
import { z } from 'zod';
import type { AlarmConfig, Schedule } from './alarm-config.ts';

export const alarmStateSchema = z.object({
  /** The date to be fired next, epoch milliseconds; null: there is none, or it is paused. */
  date: z.number().nullable(),
  /** Firings that are left; null: any number. */
  remaining: z.number().nullable(),
  /** Its dates until then have come and were dealt with, epoch milliseconds; absent: none has come yet. */
  settledAt: z.number().optional(),
  status: z.object({
    active: z.boolean(),
    /** Epoch milliseconds. */
    dateChanged: z.number(),
    /** Why it is not active. `AUTO`: it came to its end, `USER`: it was paused. */
    reason: z.object({ kind: z.enum(['AUTO', 'USER']), message: z.string() }).optional(),
  }),
});

export type AlarmState = z.infer<typeof alarmStateSchema>;

interface AlarmStep {
  readonly fires: boolean;
  readonly state: AlarmState;
}

const pausedMessage = 'Paused';

/** One that begins anew. */
export function activeState(date: number, remaining: number | null, now: number): AlarmState {
  return { date, remaining, status: { active: true, dateChanged: now } };
}

export function endedState(remaining: number | null, message: string, now: number): AlarmState {
  const reason = { kind: 'AUTO', message } as const;
  return { date: null, remaining, status: { active: false, dateChanged: now, reason } };
}

export function pausedState(state: AlarmState, now: number): AlarmState {
  const reason = { kind: 'USER', message: pausedMessage } as const;
  return { ...state, date: null, status: { active: false, dateChanged: now, reason } };
}

/** A paused one that goes on. */
export function unpausedState(state: AlarmState, date: number, now: number): AlarmState {
  return { ...state, date, status: { active: true, dateChanged: now } };
}

export function isPaused({ status }: AlarmState): boolean {
  return status.reason?.kind === 'USER';
}

/** The date that follows `now`; after the clock was set back not the one that came last. */
export function dateAfter(schedule: Schedule, { settledAt }: AlarmState, now: number): number | undefined {
  const date = schedule.next(now);
  if (date === undefined || settledAt === undefined || date > settledAt) return date;
  const following = schedule.next(date);
  return following === undefined || following > settledAt ? following : date;
}

/**
 * The alarm with its next date by a clock that has been set back to `now`; itself when it has not been.
 * @param scheduleOf called only when it has: most have not, and reading a cron takes its time
 */
export function redated(state: AlarmState, scheduleOf: () => Schedule, now: number): AlarmState {
  const writtenAt = Math.max(state.status.dateChanged, state.settledAt ?? 0);
  if (state.date === null || now >= writtenAt) return state;
  const date = dateAfter(scheduleOf(), state, now);
  return date === undefined || date >= state.date ? state : { ...state, date };
}

/** The step of an alarm whose date has come. */
export function advance(
  config: AlarmConfig,
  schedule: Schedule,
  state: AlarmState & { readonly date: number },
  now: number,
  graceMs: number,
): AlarmStep {
  const oldest = config.kind === 'once' ? state.date : Math.max(state.date, now - graceMs);
  const owed = schedule.next(oldest - 1);
  const fires = owed !== undefined && owed <= now;
  const remaining = state.remaining === null || !fires ? state.remaining : state.remaining - 1;
  const date = schedule.next(now);
  if (remaining === 0) {
    return { fires, state: endedState(0, 'Automatically disabled after reaching max triggers', now) };
  }
  if (date === undefined) return { fires, state: endedState(remaining, endOf(config), now) };
  return { fires, state: { ...state, date, remaining, settledAt: now } };
}

function endOf({ kind }: AlarmConfig): string {
  if (kind === 'once') return 'Automatically disabled after firing once';
  const schedule = kind === 'alarm' ? 'cron' : kind;
  return `Automatically disabled after firing last scheduled ${schedule} trigger`;
}
