/** When the check of a cluster says that a limit of a namespace was exceeded. */
import { expect, it } from 'vitest';
import { exceeded, holdMs, type LimitEvidence, limits } from './limited.ts';

const minute = 60_000;
const at = 100 * minute;
/** A share of three nodes: 2 at once, and 10 in a minute. */
const none: LimitEvidence = { nodes: 3, runs: [], admitted: [], kills: [], resets: [] };

const runs = (count: number, begin = at) =>
  Array.from({ length: count }, (_, index) => ({
    ...{ activationId: `${begin}-${index}`, marker: 'm', token: 't', at: begin },
  }));
const calls = (count: number, sentAt = at + 1000, end = sentAt + 10) =>
  Array.from({ length: count }, () => ({ sentAt, at: end }));
const found = (evidence: Partial<LimitEvidence>) =>
  exceeded({ ...none, ...evidence }).map(({ what }) => what);

it.each<[what: string, evidence: Partial<LimitEvidence>]>([
  ['the limit and one share at once', { runs: runs(limits.concurrent + 2) }],
  ['as many again when the first have ended', { runs: [...runs(8), ...runs(8, at + holdMs)] }],
  [
    'as many again when the first were killed',
    { runs: [...runs(8), ...runs(8, at + 200)], kills: [at + 100] },
  ],
  ['the limit and one share in a minute', { admitted: calls(limits.perMinute + 10) }],
  ['as many again in the next minute', { admitted: [...calls(40), ...calls(40, at + minute)] }],
  ['calls that end in another minute', { admitted: calls(99, at + minute - 5, at + minute + 5) }],
  ['a share for each node that lost its count', { admitted: calls(50), resets: [at + 1, at + 2] }],
])('lets pass: %s', (_, evidence) => {
  expect(found(evidence)).toEqual([]);
});

it.each<[what: string, evidence: Partial<LimitEvidence>]>([
  ['9 calls at once, at most 8 may be', { runs: runs(9) }],
  ['9 calls at once, at most 8 may be', { runs: [...runs(8), ...runs(1, at + holdMs - 1)] }],
  ['9 calls at once, at most 8 may be', { runs: runs(9), kills: [at - 1] }],
  ['41 calls in one minute, at most 40 may be', { admitted: calls(41) }],
  ['41 calls in one minute, at most 40 may be', { admitted: calls(41), resets: [at - 1, at + minute] }],
  ['51 calls in one minute, at most 50 may be', { admitted: calls(51), resets: [at + 1, at + 2] }],
])('turns red: %s', (what, evidence) => {
  expect(found(evidence)).toEqual([what]);
});
