/** Dates of cron expressions, including everything that makes calendars hard. */
import { describe, expect, test } from 'vitest';
import { checkCron, parseCron } from './cron.ts';

/** Returns the next `count` dates after `from`, and checks that each is later than the previous one. */
function datesAfter(from: string, count: number, pattern: string, timezone?: string): string[] {
  const cron = parseCron(pattern, timezone);
  const dates: string[] = [];
  let at = Date.parse(from);
  while (dates.length < count) {
    const next = cron.next(at);
    if (next === undefined) break;
    expect(next).toBeGreaterThan(at);
    dates.push(new Date(next).toISOString().replace('.000', ''));
    at = next;
  }
  return dates;
}

test('five fields are minutes, six begin with seconds', () => {
  expect(parseCron('* * * * *').hasSeconds).toBe(false);
  expect(parseCron('0 * * * * *').hasSeconds).toBe(true);
  expect(datesAfter('2026-01-01T00:00:00Z', 2, '*/20 * * * *')).toEqual([
    '2026-01-01T00:20:00Z',
    '2026-01-01T00:40:00Z',
  ]);
  expect(datesAfter('2026-01-01T00:00:00.500Z', 2, '*/20 * * * * *')).toEqual([
    '2026-01-01T00:00:20Z',
    '2026-01-01T00:00:40Z',
  ]);
});

test('the next date is strictly later, and found from one millisecond before it', () => {
  const daily = parseCron('0 0 * * *');
  const midnight = Date.parse('2026-01-02T00:00:00Z');
  expect(daily.next(midnight - 1)).toBe(midnight);
  expect(daily.next(midnight)).toBe(midnight + 86_400_000);
});

describe('when clocks are set forward', () => {
  test.each([
    ['Europe/Berlin', '2026-03-28T02:00:00Z', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
    ['America/New_York', '2026-03-07T08:00:00Z', '2026-03-08T07:00:00Z', '2026-03-09T06:30:00Z'],
  ])('in %s a fixed time that is skipped comes right after the gap', (zone, from, inGap, after) => {
    expect(datesAfter(from, 2, '30 2 * * *', zone)).toEqual([inGap, after]);
  });

  test('minute patterns follow real time', () => {
    expect(datesAfter('2026-03-29T00:00:00Z', 3, '*/30 * * * *', 'Europe/Berlin')).toEqual([
      '2026-03-29T00:30:00Z',
      '2026-03-29T01:00:00Z',
      '2026-03-29T01:30:00Z',
    ]);
  });
});

describe('when clocks are set back', () => {
  test.each([
    ['Europe/Berlin', '30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    [
      'America/New_York',
      '30 1 * * *',
      '2026-10-31T12:00:00Z',
      '2026-11-01T05:30:00Z',
      '2026-11-02T06:30:00Z',
    ],
  ])('in %s a fixed time that comes twice counts once', (zone, pattern, from, first, second) => {
    expect(datesAfter(from, 2, pattern, zone)).toEqual([first, second]);
  });

  test('hour patterns include the repeated hour', () => {
    expect(datesAfter('2026-10-24T23:30:00Z', 3, '0 * * * *', 'Europe/Berlin')).toEqual([
      '2026-10-25T00:00:00Z',
      '2026-10-25T01:00:00Z',
      '2026-10-25T02:00:00Z',
    ]);
  });
});

test.each([
  ['29 February', '0 0 29 2 *', ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z']],
  ['the 31st skips short months', '0 0 31 * *', ['2026-01-31T00:00:00Z', '2026-03-31T00:00:00Z']],
  ['the last of the month', '0 0 L * *', ['2026-01-31T00:00:00Z', '2026-02-28T00:00:00Z']],
  ['the 13th, or a Friday', '0 0 13 * 5', ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z']],
  ['names, and Sunday as 7', '0 0 * JAN 7', ['2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z']],
  ['a step from a start', '5/25 * * * *', ['2026-01-01T00:05:00Z', '2026-01-01T00:30:00Z']],
])('%s', (_, pattern, expected) => {
  expect(datesAfter('2026-01-01T00:00:00Z', 2, pattern)).toEqual(expected);
});

test.each([
  ['', ''],
  ['1234567890', '1234567890'],
  ['four fields', '* * * *'],
  ['seven fields', '0 0 0 1 1 * 2030'],
  ['a nickname', '@hourly'],
  ['a date', '2030-01-01T00:00:00'],
  ['a minute past 59', '60 * * * *'],
  ['a step of nothing', '*/0 * * * *'],
  ['another alphabet', '＊ * * * *'],
])('%s is not a cron pattern', (_, pattern) => {
  expect(() => parseCron(pattern)).toThrow(`cron pattern '${pattern}' is not valid`);
});

test('endless patterns and zones are refused', () => {
  expect(() => parseCron(`${'1,'.repeat(1_000_000)}1 * * * *`)).toThrow(/is not valid/);
  expect(() => parseCron('* '.repeat(1_000_000))).toThrow(/is not valid/);
  expect(() => parseCron('* * * * *', 'x'.repeat(1_000_000))).toThrow('Invalid timezone.');
});

test.each(['Mars/Olympus', 'UTC+25', '', '../../etc/passwd'])("'%s' is not a time zone", (zone) => {
  expect(() => parseCron('* * * * *', zone)).toThrow('Invalid timezone.');
});

describe('the guard', () => {
  const guard = { minIntervalMs: 1000, maxPerMinute: 60 };
  const from = Date.parse('2026-01-01T00:00:30.250Z');

  test.each(['0 0 30 2 *', '0 0 31 2,4,6,9,11 *', '0 0 30 2 +5'])("'%s' never fires", (pattern) => {
    expect(() => checkCron(pattern, undefined, from, guard)).toThrow(`cron pattern '${pattern}' never fires`);
  });

  test('lets a cron fire every second, if the namespace may', () => {
    expect(() => checkCron('* * * * * *', undefined, from, guard)).not.toThrow();
    expect(() => checkCron('* * * * * *', undefined, from, { ...guard, maxPerMinute: 59 })).toThrow(
      "cron pattern '* * * * * *' fires 60 times in a minute; the namespace may fire 59 triggers",
    );
  });

  test('finds the one busy minute of a day', () => {
    expect(() => checkCron('* 0 12 * * *', 'Europe/Berlin', from, { ...guard, maxPerMinute: 30 })).toThrow(
      /fires 60 times in a minute/,
    );
  });

  test('enforces the shortest interval', () => {
    const slow = { ...guard, minIntervalMs: 60_000 };
    expect(() => checkCron('0,2 0 0 * * *', undefined, from, slow)).toThrow(
      "cron pattern '0,2 0 0 * * *' fires 2 s after it has fired; the shortest interval allowed is 60 s",
    );
    expect(() => checkCron('0 * * * * *', undefined, from, slow)).not.toThrow();
    expect(() => checkCron('* * * * *', undefined, from, slow)).not.toThrow();
    expect(() => checkCron('59 23,0 * * *', undefined, from, { ...guard, minIntervalMs: 3_600_001 })).toThrow(
      /fires 3600 s after it has fired/,
    );
  });

  test('accepts nothing if the namespace may not fire', () => {
    expect(() => checkCron('0 0 1 1 *', undefined, from, { ...guard, maxPerMinute: 0 })).toThrow(
      /may fire 0 triggers/,
    );
  });
});
