import { expect, test } from 'vitest';
import type { ActivationRow } from '../../store/index.ts';
import { completion, hello, ref, startPlatform } from '../platform.fixture.ts';
import { createErrorGroups } from './error-groups.ts';

const bounds = { records: 1000, bytes: 1_000_000, ms: 60_000 };

/** Failed records of one namespace, the newest first. */
function storeOf(records: readonly { readonly path: string; readonly result: unknown }[]) {
  const rows = records.map(({ path, result }, at) => ({
    ...{ activationId: `a${at}`, namespace: 'guest', path, start: 1000 - at, statusCode: 2 },
    document: { response: { result } },
  })) as unknown as ActivationRow[];
  return {
    list: async ({ skip, limit }: { skip: number; limit: number }) => rows.slice(skip, skip + limit),
    get: async (_: string, id: string) => rows[Number(id.slice(1))],
  };
}

test('groups real records by their error, and leaves those that succeeded alone', async () => {
  await using platform = await startPlatform();
  const { functions, guest, invoker, authorization } = platform;
  await functions.actions.put(ref('a'), hello, false, guest);
  const errors = ['order 17 is lost', 'order 18 is lost', 'no such customer', undefined];
  for (const error of errors) {
    invoker.script = () =>
      error === undefined ? completion({}) : completion({ error }, { status: 'application error' });
    const more = { payload: {}, waitMs: 5000, transactionId: 't', authorization };
    await functions.invocations.invoke({ identity: guest, action: ref('a'), ...more });
  }
  const group = (more = {}) => functions.groupErrors({ namespace: 'guest', ...more });
  await expect.poll(async () => (await group()).read).toBe(3);
  const { groups, isCut } = await group();
  expect(isCut).toBe(false);
  // Either is the newest: both can have begun in the same millisecond.
  const error = expect.stringMatching(/^order 1[78] is lost$/);
  expect(groups).toMatchObject([
    { action: 'a', statusCode: 1, count: 2, error },
    { action: 'a', count: 1, error: 'no such customer' },
  ]);
  expect(groups[0]?.activationIds).toHaveLength(2);
  expect((await group({ path: 'other' })).read).toBe(0);
  expect((await functions.groupErrors({ namespace: 'other' })).read).toBe(0);
});

test.each([
  ['ids', 'no row 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d', 'no row 4f0c6f3ad8a94e5c8c6f3ad8a9fe5c11', 1],
  ['numbers', 'took 12.5 s', 'took 3 s', 1],
  ['later lines', 'broken\n  at a.js:1', 'broken\n  at b.js:2', 1],
  ['words', 'broken pipe', 'broken glass', 2],
])('errors that differ in %s', async (_, one, other, count) => {
  const records = [one, other].map((error) => ({ path: 'a', result: { error } }));
  const { groups } = await createErrorGroups(storeOf(records))({ namespace: 'guest' });
  expect(groups).toHaveLength(count);
});

test('the same error of two functions is two, and any result has a text', async () => {
  const results = [{ error: 'x' }, { error: { a: 1 } }, null, 'text', [1], { no: 'error' }];
  const records = [
    ...results.map((result) => ({ path: 'a', result })),
    { path: 'b', result: { error: 'x' } },
  ];
  const { groups } = await createErrorGroups(storeOf(records))({ namespace: 'guest' });
  expect(groups.map(({ action, error }) => `${action} ${error}`).toSorted()).toEqual(
    ['a x', 'a {"a":1}', 'a null', 'a text', 'a [1]', 'a {"no":"error"}', 'b x'].toSorted(),
  );
});

test.each([
  ['records', { ...bounds, records: 150 }],
  ['bytes', { ...bounds, bytes: 300 }],
  ['time', { ...bounds, ms: 0 }],
])('a search that ends by %s says so', async (_, within) => {
  const records = Array.from({ length: 250 }, () => ({ path: 'a', result: { error: 'xx' } }));
  const { groups, read, isCut } = await createErrorGroups(storeOf(records), within)({ namespace: 'guest' });
  expect([isCut, read < 250]).toEqual([true, true]);
  expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(read);
  expect(groups.every(({ activationIds }) => activationIds.length <= 100)).toBe(true);
});
