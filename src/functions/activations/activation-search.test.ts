import { expect, test } from 'vitest';
import { completion, hello, ref, startPlatform } from '../platform.fixture.ts';

test('finds real activations by their error, how long they took, and how their sandbox was there', async () => {
  await using platform = await startPlatform();
  const { functions, guest, invoker, authorization } = platform;
  await functions.actions.put(ref('a'), hello, false, guest);
  const calls = [
    { error: 'order 17 is lost', start: 'cold', ms: 40 },
    { error: undefined, start: 'warm', ms: 250 },
    { error: 'order 18 is lost', start: 'warm', ms: 300 },
    { error: 'no such customer', start: 'prewarmed', ms: 10 },
  ] as const;
  const ids: string[] = [];
  for (const { error, start, ms } of calls) {
    const now = Date.now();
    const times = { start, startedAt: now, endedAt: now + ms };
    invoker.script = () =>
      error === undefined
        ? completion({}, times)
        : completion({ error }, { ...times, status: 'application error' });
    const more = { payload: {}, waitMs: 5000, transactionId: 't', authorization };
    const answer = await functions.invocations.invoke({ identity: guest, action: ref('a'), ...more });
    ids.push(answer.activationId);
    // So that each has a start of its own, and the newest is first.
    await expect.poll(() => Date.now()).toBeGreaterThan(now);
  }
  const [first, second, third, fourth] = ids;
  const namespace = 'guest';
  await expect.poll(() => functions.activations.count({ namespace })).toBe(4);
  const { groups } = await functions.groupErrors({ namespace });
  const fingerprint = groups.find(({ count }) => count === 2)?.fingerprint ?? '';
  const found = async (search: object, page = { skip: 0, limit: 10 }) =>
    (await functions.activations.list({ namespace, ...search, ...page })).map(
      ({ activationId }) => activationId,
    );
  expect(await found({ fingerprint })).toEqual([third, first]);
  expect(await found({ fingerprint }, { skip: 1, limit: 1 })).toEqual([first]);
  expect(await found({ fingerprint, atLeastMs: 100 })).toEqual([third]);
  expect(await found({ fingerprint: '0'.repeat(16) })).toEqual([]);
  expect(await found({ atLeastMs: 250 })).toEqual([third, second]);
  expect(await found({ atLeastMs: 0, startKind: 'warm' })).toEqual([third, second]);
  expect(await found({ startKind: 'cold' })).toEqual([first]);
  expect(await found({ startKind: 'prewarmed' })).toEqual([fourth]);
  expect(await functions.activations.count({ namespace, fingerprint })).toBe(2);
  expect(await functions.activations.count({ namespace, atLeastMs: 250 })).toBe(2);
  const [record] = await Array.fromAsync(
    functions.activations.records({ namespace, fingerprint, skip: 0, limit: 1 }),
  );
  expect(record).toMatchObject({ activationId: third, response: { result: { error: 'order 18 is lost' } } });
});
