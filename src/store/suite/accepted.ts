/** Accepted invocations: pending until settled, fenced by attempt. */
import { expect, test } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import { accept, activationRow, type Context, namespaceRow, write } from './context.ts';

export function acceptedTests({ store, reopen }: Context): void {
  test('are pending, oldest first, until settled: also after a restart', async () => {
    const late = await accept(store(), 'guest', 3_000);
    const early = await accept(store(), 'guest', 1_000);
    await accept(store(), 'guest', 5_000);
    await reopen();
    expect(await store().accepted.pending(2)).toEqual([
      { activationId: early, namespace: 'guest', acceptedAt: 1_000, attempt: 0, job: { args: ['ü', 1] } },
      { activationId: late, namespace: 'guest', acceptedAt: 3_000, attempt: 0, job: { args: ['ü', 1] } },
    ]);
  });

  test('each attempt is claimed by one only', async () => {
    const id = await accept(store(), 'guest');
    const claims = await Promise.all(Array.from({ length: 10 }, () => store().accepted.claim(id, 0)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    await reopen();
    expect((await store().accepted.pending(1))[0]?.attempt).toBe(1);
    expect(await store().accepted.claim(id, 0)).toBe(false);
    expect(await store().accepted.claim(id, 1)).toBe(true);
    expect(await store().accepted.claim(newActivationId(), 0)).toBe(false);
  });

  test('the record settles it', async () => {
    const activationId = await accept(store(), 'guest');
    await store().accepted.claim(activationId, 0);
    await store().activations.append(write(activationRow({ activationId }), { settles: 1 }));
    expect(await store().accepted.pending(10)).toEqual([]);
    expect(await store().activations.get('guest', activationId)).toBeDefined();
    expect(await store().accepted.claim(activationId, 1)).toBe(false);
  });

  test('one that was never claimed can be settled too', async () => {
    const activationId = await accept(store(), 'guest');
    await store().activations.append(write(activationRow({ activationId }), { settles: 0 }));
    expect(await store().accepted.pending(10)).toEqual([]);
  });

  test('the record of an older attempt is ignored, logs and all', async () => {
    const activationId = await accept(store(), 'guest');
    await store().accepted.claim(activationId, 0);
    await store().accepted.claim(activationId, 1);
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

  test('one can be read while it is there, from its own namespace', async () => {
    const activationId = await accept(store(), 'guest', 3_000);
    const row = { activationId, namespace: 'guest', acceptedAt: 3_000, attempt: 0, job: { args: ['ü', 1] } };
    expect(await store().accepted.get('guest', activationId)).toEqual(row);
    expect(await store().accepted.get('other', activationId)).toBeUndefined();
    expect(await store().accepted.get('guest', newActivationId())).toBeUndefined();
    const claimed = store().accepted.claim(activationId, 0);
    expect(await store().accepted.get('guest', activationId)).toEqual({ ...row, attempt: 1 });
    expect(await claimed).toBe(true);
  });

  test('one is ended without a record by its attempt only', async () => {
    const activationId = await accept(store(), 'guest');
    await store().accepted.claim(activationId, 0);
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

  test('for a namespace that is gone none is accepted', async () => {
    await expect(accept(store(), 'nobody')).rejects.toMatchObject({ code: 'STORE_NO_NAMESPACE' });
    expect(await store().accepted.pending(10)).toEqual([]);
  });
}
