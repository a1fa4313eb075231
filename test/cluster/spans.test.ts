/** When the check of a cluster accepts that a blocking call fails. */
import { expect, it } from 'vitest';
import type { Answer, Kind } from '../chaos/evidence.ts';
import { type FaultSpan, failedOutside } from './spans.ts';

const from = 100_000;
const to = 105_000;
const everyone: FaultSpan = { from, to };
const lost = 'node n had it, and it is not heard any more';
const throughOne: FaultSpan = { from, to, via: 'one' };

const answer = (status: number, at: number, more: Partial<Answer> = {}): Answer => {
  return { kind: 'blocking', marker: 'm', status, at, sentAt: at - 10, via: 'one', ...more };
};
const rules = (spans: readonly FaultSpan[], ...answers: readonly Answer[]) =>
  failedOutside(answers, spans).map(({ rule }) => rule);

it.each<[what: string, answer: Answer, span: FaultSpan]>([
  ['a result at any time', answer(200, 1), everyone],
  ['a refusal for a limit', answer(429, 1), everyone],
  ['a refusal for lack of room in a fault', answer(429, from, { isOverload: true }), everyone],
  ['a failure at the beginning of a fault', answer(502, from), everyone],
  ['a broken connection right after its end', answer(0, to + 3000), everyone],
  ['a failure of a call to the node that was struck', answer(0, from + 1), throughOne],
  ['a lost node on a very busy machine', answer(502, 1, { text: lost, load: 9 }), everyone],
])('lets pass: %s', (_, each, span) => {
  expect(rules([span], each)).toEqual([]);
});

it.each<[what: string, answer: Answer, span: FaultSpan]>([
  ['a failure before the fault', answer(502, from - 1), everyone],
  ['a failure long after it', answer(503, to + 3001), everyone],
  ['a refusal for lack of room without one', answer(429, 1, { isOverload: true }), everyone],
  ['a broken connection without a fault', answer(0, to + 3001), everyone],
  ['a failure of a call to another node', answer(502, to, { via: 'other' }), throughOne],
  ['a lost node on another machine', answer(502, 1, { text: lost, load: 8 }), everyone],
  ['another failure on a very busy machine', answer(503, 1, { load: 9 }), everyone],
])('turns red: %s', (_, each, span) => {
  expect(rules([span], each)).toEqual(['failed without a fault']);
});

it.each<Kind>(['accepted', 'firing', 'webhook', 'fails', 'exits'])('leaves %s to other rules', (kind) => {
  expect(rules([], answer(502, 1, { kind }))).toEqual([]);
});

it('says how long the call took, and since when no fault explains it', () => {
  const [found] = failedOutside([answer(502, to + 9000, { text: 'lost' })], [everyone]);
  expect(found?.what).toBe('blocking m, after 10 ms, 9000 ms after the last one, load 0.0: 502 lost');
});
