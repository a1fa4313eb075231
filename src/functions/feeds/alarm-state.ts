/**
 * The progress of an alarm, and how it advances with the clock. Pure: the same config, state and time always give the
 * same step.
 *
 * Missed dates (Ward was down, the clock was set forward, or the namespace had fired too often) are made up for by
 * one firing, however many they are, if the last of them lies within the grace. Then the alarm goes on with its next
 * regular date. An alarm that fires only once is never too late.
 *
 * After the clock was set back, dates come again. They count like any others, except that the last fired date does
 * not come twice, and an alarm that has begun does not wait for its start date again.
 */
import { z } from 'zod';
import type { AlarmConfig, Schedule } from './alarm-config.ts';

export const alarmStateSchema = z.object({
  /** The next date to fire, in epoch milliseconds. Null: there is none, or it is paused. */
  date: z.number().nullable(),
  /** Remaining firings. Null: unlimited. */
  remaining: z.number().nullable(),
  /** Its dates up to here have been dealt with, epoch milliseconds. Absent: none has come yet. */
  settledAt: z.number().optional(),
  /** The last dates that were dealt with late; epoch milliseconds. Absent: none were. */
  missed: z.object({ date: z.number(), at: z.number(), isMadeUp: z.boolean() }).optional(),
  status: z.object({
    active: z.boolean(),
    /** Epoch milliseconds. */
    dateChanged: z.number(),
    /** Why it is not active. `AUTO`: it has ended. `USER`: it was paused. */
    reason: z.object({ kind: z.enum(['AUTO', 'USER']), message: z.string() }).optional(),
  }),
});

export type AlarmState = z.infer<typeof alarmStateSchema>;

interface AlarmStep {
  readonly fires: boolean;
  readonly state: AlarmState;
}

const pausedMessage = 'Paused';
/** A date that is dealt with later than this counts as missed. */
const lateMs = 60_000;

/** The state of an alarm that starts anew. */
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

/** The state of a paused alarm that goes on. */
export function unpausedState(state: AlarmState, date: number, now: number): AlarmState {
  return { ...state, date, status: { active: true, dateChanged: now } };
}

export function isPaused({ status }: AlarmState): boolean {
  return status.reason?.kind === 'USER';
}

/** The first date after `now`. After the clock was set back, the last fired date is skipped. */
export function dateAfter(schedule: Schedule, { settledAt }: AlarmState, now: number): number | undefined {
  const date = schedule.next(now);
  if (date === undefined || settledAt === undefined || date > settledAt) return date;
  const following = schedule.next(date);
  return following === undefined || following > settledAt ? following : date;
}

/**
 * Returns the alarm with its next date by a clock that was set back to `now`, or unchanged if that is not the case.
 * @param scheduleOf called only if needed, because parsing a cron takes time
 */
export function redated(state: AlarmState, scheduleOf: () => Schedule, now: number): AlarmState {
  const writtenAt = Math.max(state.status.dateChanged, state.settledAt ?? 0);
  if (state.date === null || now >= writtenAt) return state;
  const date = dateAfter(scheduleOf(), state, now);
  return date === undefined || date >= state.date ? state : { ...state, date };
}

/** Advances an alarm whose date has come. */
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
  const isLate = now - state.date > lateMs;
  const missed = isLate ? { date: state.date, at: now, isMadeUp: fires } : state.missed;
  const history = missed === undefined ? {} : { missed };
  if (remaining === 0) {
    const ended = endedState(0, 'Automatically disabled after reaching max triggers', now);
    return { fires, state: { ...ended, ...history } };
  }
  if (date === undefined)
    return { fires, state: { ...endedState(remaining, endOf(config), now), ...history } };
  return { fires, state: { ...state, ...history, date, remaining, settledAt: now } };
}

function endOf({ kind }: AlarmConfig): string {
  if (kind === 'once') return 'Automatically disabled after firing once';
  const schedule = kind === 'alarm' ? 'cron' : kind;
  return `Automatically disabled after firing last scheduled ${schedule} trigger`;
}
