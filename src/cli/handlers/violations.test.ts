import { expect, test } from 'vitest';
import { timeOf } from './violations.ts';

const now = Date.parse('2026-01-31T12:00:00Z');

test.each([
  [undefined, undefined],
  ['90s', now - 90_000],
  ['30m', now - 30 * 60_000],
  ['12h', now - 12 * 3_600_000],
  ['7d', now - 7 * 86_400_000],
  ['2026-01-31T12:00Z', now],
  ['2026-01-31', Date.parse('2026-01-31T00:00:00Z')],
])('--since %s', (text, since) => {
  expect(timeOf('since', text, now)).toBe(since);
});

test.each(['', 'yesterday', '-5m', '5', '5w', '2026-13-01', '1234567890123'])(
  '--since %j is refused',
  (text) => {
    expect(() => timeOf('since', text, now)).toThrow(/takes a time/);
  },
);
