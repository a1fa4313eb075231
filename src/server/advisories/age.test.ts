import { expect, test } from 'vitest';
import { defaultPolicy, parsePolicy } from '../../gate/index.ts';
import { advisoriesAge } from './age.ts';

const now = Date.parse('2026-11-20T00:00:00Z');
const checkedAt = '2026-11-19T12:00:00Z';
const state = (updatedAt: string | undefined) => ({ revision: 'r', count: 5, updatedAt, checkedAt });

test.each([
  ['no advisories', undefined, undefined, /^there are no advisories, .*ward advisories update/],
  ['an empty file', { revision: 'r', count: 0 }, undefined, /^there are no advisories/],
  ['fresh advisories', state('2026-11-19T00:00:00Z'), 86_400, undefined],
  [
    'old advisories',
    state('2026-11-10T00:00:00Z'),
    864_000,
    /^the advisories are 10 days old, and the policy allows 7 days: get/,
  ],
  ['advisories without a time', state(undefined), undefined, /^the advisories are of unknown age/],
] as const)('%s', (_, given, ageSeconds, warning) => {
  expect(advisoriesAge(given, defaultPolicy(), { now })).toEqual({
    count: given?.count ?? 0,
    ageSeconds,
    checkedSeconds: given?.count ? 43_200 : undefined,
    failed: [],
    isBehind: false,
    warning: warning === undefined ? undefined : expect.stringMatching(warning),
  });
});

test('the policy sets the maximum age', () => {
  const policy = parsePolicy('form: 1\nrules: { advisories: { maxAgeDays: 30 } }');
  expect(advisoriesAge(state('2026-11-10T00:00:00Z'), policy, { now }).warning).toBeUndefined();
});

test.each([
  [
    { failed: ['osv/npm', 'a', 'b', 'c', 'd', 'e'] },
    /^their last update, at 2026-11-19T01:00Z, failed for osv\/npm, a, b, c, d and 1 more$/,
  ],
  [{ failed: [], reason: 'no way:\n  x' }, /^their last update, at 2026-11-19T01:00Z, failed: no way$/],
])('failures of the last update are reported: %o', (last, warning) => {
  const ended = { endedAt: '2026-11-19T01:00:00.000Z', ...last };
  const age = advisoriesAge(state('2026-11-19T00:00:00Z'), defaultPolicy(), { last: ended, now });
  expect(age).toMatchObject({ failed: last.failed, warning: expect.stringMatching(warning) });
});
