import { expect, test } from 'vitest';
import { byHour } from './hours.ts';
import type { RunSummary } from './runs.ts';

const now = Date.UTC(2026, 10, 29, 12, 30);
const run = (start: number, duration: number, statusCode = 0): RunSummary => ({
  ...{ activationId: '0', name: 'a', start, duration, statusCode },
});

test('runs are counted in the hour in which they began, and a day ago in none', () => {
  const hours = byHour(
    [run(now, 10), run(now - 1000, 30, 2), run(now - 3_600_000, 5), run(now - 24 * 3_600_000, 1)],
    now,
  );
  expect(hours).toHaveLength(24);
  expect(hours.at(-1)).toEqual({ at: Date.UTC(2026, 10, 29, 12), calls: 2, failed: 1, p50: 30, p99: 30 });
  expect(hours.at(-2)).toMatchObject({ calls: 1, failed: 0, p50: 5 });
  expect(hours.slice(0, -2).every(({ calls, p99 }) => calls === 0 && p99 === 0)).toBe(true);
});
