/** When the check of a cluster accepts that a record comes late. */
import { expect, it } from 'vitest';
import type { Kill } from '../chaos/evidence.ts';
import { judgeLateness } from './late-records.ts';
import type { FaultSpan } from './spans.ts';

const at = 100_000;
const span = (from: number, to: number, via?: string): FaultSpan => {
  return { from: at + from, to: at + to, via };
};
const rules = (lateMs: number, spans: readonly FaultSpan[] = [], kills: readonly Kill[] = [], load = 0) => {
  const answer = {
    kind: 'blocking',
    marker: 'm',
    status: 200,
    activationId: 'a',
    at,
    load,
    via: 'one',
  } as const;
  return judgeLateness({ answer, lastMissingAt: at + lateMs }, spans, kills).map(({ rule }) => rule);
};

it('allows five seconds, and the time of faults with three more', () => {
  expect(rules(5000)).toEqual([]);
  expect(rules(9000, [span(-500, 1000)])).toEqual([]);
  expect(rules(9000, [span(2000, Number.POSITIVE_INFINITY)])).toEqual([]);
  // Faults that overlap count once.
  expect(rules(11_000, [span(1000, 3000), span(0, 3000)])).toEqual([]);
  expect(rules(9000, [span(-500, 1000, 'one')])).toEqual([]);
});

it('leaves those that a kill took away, and a machine that is too busy', () => {
  expect(rules(9000, [], [{ at: at + 100, instance: 'one' }])).toEqual([]);
  expect(rules(9000, [], [], 9)).toEqual([]);
});

it('reports every other one', () => {
  expect(rules(5001)).toEqual(['a late record']);
  expect(rules(9001, [span(-500, 1000)])).toEqual(['a late record']);
  expect(rules(11_001, [span(1000, 3000), span(0, 3000)])).toEqual(['a late record']);
  expect(rules(9000, [span(-9000, -4000)])).toEqual(['a late record']);
  expect(rules(9000, [span(-500, 1000, 'other')])).toEqual(['a late record']);
  expect(rules(9000, [], [{ at: at + 100, instance: 'other' }])).toEqual(['a late record']);
  expect(rules(9000, [], [{ at: at + 6000 }])).toEqual(['a late record']);
});
