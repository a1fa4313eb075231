/** When the check of a cluster says that a revoked key worked for too long. */
import { expect, it } from 'vitest';
import { workedTooLong } from './revoked.ts';
import type { FaultSpan } from './spans.ts';

const revokedAt = 100_000;
const span = (from: number, to: number, via?: string): FaultSpan => {
  return { from: revokedAt + from, to: revokedAt + to, via };
};
const rules = (lateMs: number, spans: readonly FaultSpan[] = [], load = 0) =>
  workedTooLong([{ via: 'one', revokedAt, sentAt: revokedAt + lateMs, load }], spans).map(({ rule }) => rule);

it('allows a second, the time of faults, and a very busy machine', () => {
  expect(rules(1000)).toEqual([]);
  expect(rules(30_000, [span(-500, Number.POSITIVE_INFINITY)])).toEqual([]);
  expect(rules(9000, [span(-500, 5000, 'one')])).toEqual([]);
  expect(rules(9000, [], 9)).toEqual([]);
});

it('allows 30 seconds more than that in no fault', () => {
  expect(rules(31_000, [span(-500, 60_000)])).toEqual([]);
  expect(rules(31_001, [span(-500, 60_000)])).toEqual(['a revoked key worked']);
});

it('reports every other one', () => {
  expect(rules(1001)).toEqual(['a revoked key worked']);
  expect(rules(9001, [span(-500, 5000, 'one')])).toEqual(['a revoked key worked']);
  expect(rules(9000, [span(-500, 5000, 'other')])).toEqual(['a revoked key worked']);
});
