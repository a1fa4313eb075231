/** How alarms advance: regular dates, missed ones, and ends. */
import { describe, expect, test } from 'vitest';
import { type AlarmConfig, maxFirings, scheduleOf } from './alarm-config.ts';
import { activeState, advance } from './alarm-state.ts';

const t = (text: string) => Date.parse(`2026-${text}Z`);
const day = 86_400_000;
const hourly: AlarmConfig = { kind: 'alarm', cron: '0 * * * *' };

/** Advances an alarm that waits for `date`, at the time `now`. */
function step(config: AlarmConfig, date: string, now: string, graceMs = day) {
  const state = { ...activeState(t(date), maxFirings(config), 0), date: t(date) };
  const { fires, state: next } = advance(config, scheduleOf(config, 'guest/t'), state, t(now), graceMs);
  return {
    fires,
    date: next.date === null ? null : new Date(next.date).toISOString().slice(5, 19),
    active: next.status.active,
    remaining: next.remaining,
    reason: next.status.reason?.message,
    missed: next.missed,
  };
}

test('on time: it fires, and waits for the next date', () => {
  expect(step(hourly, '01-01T10:00:00', '01-01T10:00:00.003')).toMatchObject({
    fires: true,
    date: '01-01T11:00:00',
    active: true,
  });
});

describe('missed dates', () => {
  test.each([
    ['not late', hourly, '01-01T10:01:00', undefined],
    [
      'late',
      hourly,
      '01-01T15:20:00',
      { date: t('01-01T10:00:00'), at: t('01-01T15:20:00'), isMadeUp: true },
    ],
    [
      'too late',
      { kind: 'alarm', cron: '0 10 1 1 *' },
      '02-01T00:00:00',
      { date: t('01-01T10:00:00'), at: t('02-01T00:00:00'), isMadeUp: false },
    ],
  ] as const)('are noted: %s', (_name, config, now, missed) => {
    expect(step(config, '01-01T10:00:00', now).missed).toEqual(missed);
  });

  test('stay noted when later ones are on time', () => {
    const missed = { date: 1, at: 2, isMadeUp: true };
    const date = t('01-01T10:00:00');
    const state = { ...activeState(date, null, 0), date, missed };
    expect(advance(hourly, scheduleOf(hourly, 'guest/t'), state, date, day).state.missed).toEqual(missed);
  });

  test('are made up for once, then the alarm goes on with its regular dates', () => {
    expect(step(hourly, '01-01T10:00:00', '01-01T15:20:00')).toMatchObject({
      fires: true,
      date: '01-01T16:00:00',
    });
  });

  test('count if the last of them lies within the grace', () => {
    const yearly: AlarmConfig = { kind: 'alarm', cron: '0 0 1 1 *' };
    expect(step(yearly, '01-01T00:00:00', '01-02T00:00:00')).toMatchObject({ fires: true });
    expect(step(yearly, '01-01T00:00:00', '01-02T00:00:00.001')).toMatchObject({
      fires: false,
      active: true,
    });
    expect(step(hourly, '01-01T10:00:00', '03-01T10:30:00')).toMatchObject({
      fires: true,
      date: '03-01T11:00:00',
    });
  });

  test('after the stop date do not count', () => {
    const config: AlarmConfig = { ...hourly, stopDate: t('01-01T12:30:00') };
    expect(step(config, '01-01T10:00:00', '01-01T15:00:00')).toMatchObject({
      fires: true,
      date: null,
      active: false,
      reason: 'Automatically disabled after firing last scheduled cron trigger',
    });
    expect(step(config, '01-01T10:00:00', '01-03T15:00:00')).toMatchObject({ fires: false, active: false });
  });

  test('of an alarm that fires once are made up for, however late', () => {
    expect(
      step({ kind: 'once', date: t('01-01T10:00:00') }, '01-01T10:00:00', '12-01T10:00:00'),
    ).toMatchObject({
      fires: true,
      date: null,
      active: false,
      reason: 'Automatically disabled after firing once',
    });
  });

  test('do not count if the alarm’s dates have changed in the meantime, such as with a time zone', () => {
    expect(step(hourly, '01-01T10:20:00', '01-01T10:30:00')).toMatchObject({
      fires: false,
      date: '01-01T11:00:00',
    });
  });
});

describe('intervals', () => {
  const config: AlarmConfig = { kind: 'interval', minutes: 7, startDate: '2026-01-01T10:00:00Z' };
  const { next } = scheduleOf(config, 'guest/t');

  test('begin with the start date, and count from there', () => {
    expect(next(t('01-01T09:00:00'))).toBe(t('01-01T10:00:00'));
    expect(next(t('01-01T10:00:00') - 1)).toBe(t('01-01T10:00:00'));
    expect(next(t('01-01T10:00:00'))).toBe(t('01-01T10:07:00'));
    expect(next(t('02-01T10:00:00'))).toBe(t('02-01T10:06:00'));
  });

  test('end before the stop date', () => {
    expect(
      step({ ...config, stopDate: t('01-01T10:10:00') }, '01-01T10:07:00', '01-01T10:07:00'),
    ).toMatchObject({
      fires: true,
      active: false,
      reason: 'Automatically disabled after firing last scheduled interval trigger',
    });
  });
});

test('a stop date itself still fires', () => {
  expect(scheduleOf({ ...hourly, stopDate: t('01-01T11:00:00') }, '').next(t('01-01T10:00:00'))).toBe(
    t('01-01T11:00:00'),
  );
});

test('a cron fires on its start date, but not before', () => {
  const { next } = scheduleOf({ ...hourly, startDate: '2026-01-05T12:00:00Z' }, '');
  expect(next(t('01-01T10:00:00'))).toBe(t('01-05T12:00:00'));
});

test('an alarm fires no more often than its maximum', () => {
  expect(step({ ...hourly, maxTriggers: 2 }, '01-01T10:00:00', '01-01T10:00:00')).toMatchObject({
    active: true,
    remaining: 1,
  });
  expect(step({ ...hourly, maxTriggers: 1 }, '01-01T10:00:00', '01-01T10:00:00')).toMatchObject({
    fires: true,
    active: false,
    date: null,
    reason: 'Automatically disabled after reaching max triggers',
  });
});

test('without strictness, alarms of one minute are spread over it, always at the same seconds', () => {
  const loose: AlarmConfig = { kind: 'alarm', cron: '0 12 * * *', strict: false };
  const noon = t('01-01T12:00:00');
  const delays = Array.from({ length: 50 }, (_, index) => {
    const { next } = scheduleOf(loose, `guest/t${index}`);
    const first = next(noon - 60_000) ?? 0;
    expect(next(first)).toBe(first + day);
    expect(next(first - 1)).toBe(first);
    return first - noon;
  });
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...delays)).toBeLessThan(60_000);
  expect(new Set(delays).size).toBeGreaterThan(20);
  for (const config of [
    { ...loose, strict: true },
    { ...loose, cron: '0 0 12 * * *' },
  ]) {
    expect(scheduleOf(config, 'guest/t1').next(noon - 60_000)).toBe(noon);
  }
});
