import { expect, test } from 'vitest';
import { backoffMs, retryPolicyOf } from './rule-retry.ts';

test.each([
  [
    { attempts: 3, backoffMs: 100 },
    { attempts: 3, backoffMs: 100, maxBackoffMs: 600_000 },
  ],
  [
    { attempts: 1, backoffMs: 900_000 },
    { attempts: 1, backoffMs: 900_000, maxBackoffMs: 900_000 },
  ],
  [
    { attempts: 10, backoffMs: 200, maxBackoffMs: 200 },
    { attempts: 10, backoffMs: 200, maxBackoffMs: 200 },
  ],
])('%j is accepted', (value, policy) => {
  expect(retryPolicyOf([{ key: 'retry', value }])).toEqual(policy);
});

test.each([[[]], [[{ key: 'retry', value: null }]], [[{ key: 'other', value: 1 }]]])(
  '%j asks for no retries',
  (list) => {
    expect(retryPolicyOf(list)).toBeUndefined();
  },
);

test('the wait doubles up to its limit, and is randomly up to a half shorter', () => {
  const policy = { attempts: 10, backoffMs: 100, maxBackoffMs: 1000 };
  expect([1, 2, 3, 4, 5, 9].map((tries) => backoffMs(policy, tries, 0))).toEqual([
    100, 200, 400, 800, 1000, 1000,
  ]);
  expect([1, 2, 5].map((tries) => backoffMs(policy, tries, 1))).toEqual([50, 100, 500]);
});
