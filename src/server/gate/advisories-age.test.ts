import { expect, test } from 'vitest';
import { defaultPolicy, parsePolicy } from '../../gate/index.ts';
import { advisoriesAge } from './advisories-age.ts';

const now = Date.parse('2026-11-20T00:00:00Z');
const state = (updatedAt: string | undefined) => ({ revision: 'r', count: 5, updatedAt });

test.each([
  ['none', undefined, undefined, /^there are no advisories, .*ward advisories update/],
  ['an empty file', { revision: 'r', count: 0 }, undefined, /^there are no advisories/],
  ['fresh ones', state('2026-11-19T00:00:00Z'), 86_400, undefined],
  [
    'old ones',
    state('2026-11-10T00:00:00Z'),
    864_000,
    /^the advisories are 10 days old, where 7 days may be: get/,
  ],
  ['those without a time', state(undefined), undefined, /^the advisories are of unknown age/],
] as const)('%s', (_, given, ageSeconds, warning) => {
  expect(advisoriesAge(given, defaultPolicy(), now)).toEqual({
    count: given?.count ?? 0,
    ageSeconds,
    warning: warning === undefined ? undefined : expect.stringMatching(warning),
  });
});

test('what is old is what the policy says', () => {
  const policy = parsePolicy('form: 1\nrules: { advisories: { maxAgeDays: 30 } }');
  expect(advisoriesAge(state('2026-11-10T00:00:00Z'), policy, now).warning).toBeUndefined();
});
