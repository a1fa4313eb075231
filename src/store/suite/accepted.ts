/** Accepted invocations: pending until settled, fenced by attempt, owned by nodes with current leases. */
import { expect, test } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import { accept, activationRow, type Context, namespaceRow, write } from './context.ts';

export function acceptedTests({ store, place, reopen }: Context): void {
  test('are pending, oldest first, until settled: also after a restart', async () => {
    const late = await accept(store(), 'guest', 3_000);
    const early = await accept(store(), 'guest', 1_000);
    await accept(store(), 'guest', 5_000);
    await reopen();
    const row = { namespace: 'guest', attempt: 0, owner: 'a', job: { args: ['ü', 1] } };
    expect(await store().accepted.pending(2)).toEqual([
      { ...row, activationId: early, acceptedAt: 1_000 },
      { ...row, activationId: late, acceptedAt: 3_000 },
    ]);
  });

  test('each attempt is claimed once', async () => {
    const id = await accept(store(), 'guest');
    const claims = await Promise.all(Array.from({ length: 10 }, () => store().accepted.claim(id, 0, 'a')));
    expect(claims.filter(Boolean)).toHaveLength(1);
    await reopen();
    expect((await store().accepted.pending(1))[0]?.attempt).toBe(1);
    expect(await store().accepted.claim(id, 0, 'a')).toBe(false);
    expect(await store().accepted.claim(id, 1, 'a')).toBe(true);
    expect(await store().accepted.claim(newActivationId(), 0, 'a')).toBe(false);
  });

  test('of claims that are made at once, each counts by itself', async () => {
    const queue = store().accepted;
    const [one = '', two = '', third = '', others = ''] = await Promise.all(
      Array.from({ length: 4 }, () => accept(store(), 'guest')),
    );
    await queue.claim(two, 0, 'a');
    const claims = [
      queue.claim(one, 0, 'a'),
      queue.claim(two, 0, 'a'),
      queue.claim(third, 1, 'a'),
      queue.claim(others, 0, 'b'),
      queue.claim(two, 1, 'a'),
      queue.claim(newActivationId(), 0, 'a'),
    ];
    expect(await Promise.all(claims)).toEqual([true, false, false, false, true, false]);
    const attempts = [one, two, third, others].map(
      async (id) => (await queue.get('guest', id))?.attempt ?? null,
    );
    expect(await Promise.all(attempts)).toEqual([1, 2, 0, 0]);
  });

  test('the record settles its invocation', async () => {
    const activationId = await accept(store(), 'guest');
    await store().accepted.claim(activationId, 0, 'a');
    await store().activations.append(write(activationRow({ activationId }), { settles: 1 }));
    expect(await store().accepted.pending(10)).toEqual([]);
    expect(await store().activations.get('guest', activationId)).toBeDefined();
    expect(await store().accepted.claim(activationId, 1, 'a')).toBe(false);
  });

  test('an invocation that was never claimed can be settled too', async () => {
    const activationId = await accept(store(), 'guest');
    await store().activations.append(write(activationRow({ activationId }), { settles: 0 }));
    expect(await store().accepted.pending(10)).toEqual([]);
  });

  test('the record of an older attempt is ignored, and so are its logs', async () => {
    const activationId = await accept(store(), 'guest');
    await store().accepted.claim(activationId, 0, 'a');
    await store().accepted.claim(activationId, 1, 'a');
    const stale = write(activationRow({ activationId, statusCode: 3 }), { settles: 1, logs: ['stale'] });
    await store().activations.append(stale);
    expect(await store().activations.get('guest', activationId)).toBeUndefined();
    expect(await store().accepted.pending(10)).toHaveLength(1);
    await store().activations.append(write(activationRow({ activationId }), { settles: 2 }));
    await store().activations.append(stale);
    expect((await store().activations.get('guest', activationId))?.statusCode).toBe(0);
    expect(await store().activations.logs('guest', activationId)).toEqual([]);
  });

  test('a record of another namespace settles nothing', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const activationId = await accept(store(), 'guest');
    await store().activations.append(
      write(activationRow({ activationId, namespace: 'other' }), { settles: 0 }),
    );
    expect(await store().accepted.pending(10)).toHaveLength(1);
    expect(await store().activations.count({ namespace: 'other' })).toBe(0);
  });

  test('an invocation can be read until it is settled, from its own namespace', async () => {
    const activationId = await accept(store(), 'guest', 3_000);
    const row = {
      ...{ activationId, namespace: 'guest', acceptedAt: 3_000, attempt: 0, owner: 'a' },
      job: { args: ['ü', 1] },
    };
    expect(await store().accepted.get('guest', activationId)).toEqual(row);
    expect(await store().accepted.get('other', activationId)).toBeUndefined();
    expect(await store().accepted.get('guest', newActivationId())).toBeUndefined();
    const claimed = store().accepted.claim(activationId, 0, 'a');
    expect(await store().accepted.get('guest', activationId)).toEqual({ ...row, attempt: 1 });
    expect(await claimed).toBe(true);
  });

  test('only its current attempt can settle an invocation without a record', async () => {
    const activationId = await accept(store(), 'guest');
    await store().accepted.claim(activationId, 0, 'a');
    await store().accepted.settle(activationId, 0);
    expect(await store().accepted.get('guest', activationId)).toBeDefined();
    const settled = store().accepted.settle(activationId, 1);
    expect(await store().accepted.get('guest', activationId)).toBeUndefined();
    await settled;
    await store().accepted.settle(activationId, 1);
    await store().activations.append(write(activationRow({ activationId }), { settles: 1 }));
    expect(await store().activations.get('guest', activationId)).toBeUndefined();
    await reopen();
    expect(await store().accepted.pending(10)).toEqual([]);
  });

  test('calls of another node are neither adopted nor claimed while its lease runs', async () => {
    const queue = store().accepted;
    expect(await queue.extend({ node: 'a', leaseMs: 60_000 })).toBe(false);
    const id = await accept(store(), 'guest');
    expect([await queue.adopt('b', 10), await queue.claim(id, 0, 'b')]).toEqual([[], false]);
    expect(await queue.extend({ node: 'a', leaseMs: 60_000 })).toBe(true);
    await reopen();
    expect(await store().accepted.adopt('b', 10)).toEqual([]);
    expect(await store().accepted.claim(id, 0, 'a')).toBe(true);
  });

  test('a lease expires, and an extension reports that', async () => {
    const queue = store().accepted;
    await queue.extend({ node: 'a', leaseMs: 1 });
    const id = await accept(store(), 'guest');
    await expect.poll(() => queue.adopt('b', 10)).toMatchObject([{ activationId: id, owner: 'b' }]);
    expect(await queue.extend({ node: 'a', leaseMs: 60_000 })).toBe(false);
    expect([await queue.claim(id, 0, 'a'), await queue.claim(id, 0, 'b')]).toEqual([false, true]);
  });

  test('each is adopted by one node, even after it began, and an owner’s oldest first', async () => {
    const queue = store().accepted;
    for (const node of ['b', 'c']) await queue.extend({ node, leaseMs: 60_000 });
    const begun = await accept(store(), 'guest', 2_000);
    await queue.claim(begun, 0, 'a');
    const [late, early] = [await accept(store(), 'guest', 3_000), await accept(store(), 'guest', 1_000)];
    const freed = await accept(store(), 'guest', 4_000, { owner: 'b' });
    await queue.release(freed, 'b');
    expect(await queue.adopt('b', 1)).toMatchObject([{ activationId: freed, attempt: 0 }]);
    expect(await queue.adopt('b', 2)).toMatchObject([
      { activationId: early, attempt: 0 },
      { activationId: begun, attempt: 1 },
    ]);
    expect(await queue.adopt('c', 10)).toMatchObject([{ activationId: late }]);
    expect([await queue.adopt('b', 10), await queue.adopt('c', 10)]).toEqual([[], []]);
  });

  test('nodes that adopt at the same time get different invocations', async () => {
    await using second = await place().open();
    const ids = await Promise.all(Array.from({ length: 50 }, () => accept(store(), 'guest')));
    const adopters = [store(), second].map(async ({ accepted }, index) => {
      await accepted.extend({ node: `n${index}`, leaseMs: 60_000 });
      const mine = await Promise.all(Array.from({ length: 5 }, () => accepted.adopt(`n${index}`, 10)));
      return mine.flat().map(({ activationId }) => activationId);
    });
    expect((await Promise.all(adopters)).flat().toSorted()).toEqual(ids.toSorted());
  });

  test('any node can adopt a released invocation, or one whose node has left', async () => {
    const queue = store().accepted;
    for (const node of ['a', 'b']) await queue.extend({ node, leaseMs: 60_000 });
    const [released, kept] = [await accept(store(), 'guest'), await accept(store(), 'guest')];
    await queue.release(released, 'b');
    expect(await queue.adopt('b', 10)).toEqual([]);
    await queue.release(released, 'a');
    expect(await queue.adopt('b', 10)).toMatchObject([{ activationId: released, wasReleased: true }]);
    await queue.leave('a');
    expect(await queue.adopt('b', 10, [kept])).toEqual([]);
    expect(await queue.adopt('b', 10, [released])).toMatchObject([
      { activationId: kept, wasReleased: false },
    ]);
  });

  test('a node that knows it is alone need not wait for other leases', async () => {
    const queue = store().accepted;
    for (const node of ['a', 'b']) await queue.extend({ node, leaseMs: 60_000 });
    const [others, own] = [await accept(store(), 'guest'), await accept(store(), 'guest', 1, { owner: 'b' })];
    await queue.endOtherLeases('b');
    expect(await queue.adopt('b', 10)).toMatchObject([{ activationId: others }]);
    expect(await queue.adopt('c', 10)).toEqual([]);
    expect(await queue.claim(own, 0, 'b')).toBe(true);
  });

  test('its calls are counted, and the oldest one that waits has an age', async () => {
    const queue = store().accepted;
    expect(await queue.counts()).toEqual({ waiting: 0, begun: 0, oldestWaitingMs: null });
    const now = Date.now();
    const begun = await accept(store(), 'guest', now - 500_000);
    for (const ageMs of [100_000, 50_000]) await accept(store(), 'guest', now - ageMs);
    await queue.claim(begun, 0, 'a');
    const { oldestWaitingMs, ...counts } = await queue.counts();
    expect(counts).toEqual({ waiting: 2, begun: 1 });
    expect(oldestWaitingMs).toBeGreaterThanOrEqual(100_000);
    expect(oldestWaitingMs).toBeLessThan(400_000);
    await store().namespaces.create(namespaceRow('counted'));
    await accept(store(), 'counted', now);
    expect(await queue.countsByNamespace()).toEqual([
      { namespace: 'counted', waiting: 1, begun: 0, oldestWaitingMs: expect.any(Number) },
      { namespace: 'guest', waiting: 2, begun: 1, oldestWaitingMs: expect.any(Number) },
    ]);
    // The clock of a server can be ahead of the database's.
    await store().accepted.settle(begun, 1);
    for (const { activationId } of await queue.pending(9)) await queue.settle(activationId, 0);
    await accept(store(), 'guest', now + 60_000);
    expect(await queue.counts()).toEqual({ waiting: 1, begun: 0, oldestWaitingMs: 0 });
  });

  test('the queue is served while the lease of some node runs', async () => {
    const queue = store().accepted;
    expect(await queue.isServed()).toBe(false);
    await queue.extend({ node: 'a', leaseMs: 60_000 });
    expect(await queue.isServed()).toBe(true);
    await queue.leave('a');
    expect(await queue.isServed()).toBe(false);
  });

  test('the code of an invocation counts as needed until it is settled', async () => {
    const activationId = await accept(store(), 'guest', 1_000, { codeDigest: 'd1' });
    expect(await store().accepted.needsCode('d1')).toBe(true);
    expect(await store().accepted.needsCode('d2')).toBe(false);
    await store().accepted.settle(activationId, 0);
    expect(await store().accepted.needsCode('d1')).toBe(false);
  });

  test('none is accepted for a deleted namespace', async () => {
    await expect(accept(store(), 'nobody')).rejects.toMatchObject({ code: 'STORE_NO_NAMESPACE' });
    expect(await store().accepted.pending(10)).toEqual([]);
  });
}
