/** Violations: newest first, a limited number for each namespace, deleted with it. */
import { expect, test } from 'vitest';
import type { ViolationRow } from '../types/violations.ts';
import { type Context, namespaceRow } from './context.ts';

function row(at: number, more: Partial<ViolationRow> = {}): ViolationRow {
  return {
    namespace: 'guest',
    at,
    kind: 'pids',
    detail: `number ${at}`,
    action: '/guest/a',
    activationId: 'f'.repeat(32),
    ...more,
  };
}

export function violationTests({ store, reopen }: Context): void {
  const all = { skip: 0, limit: 10 };
  const timesOf = async (query: object) =>
    (await store().violations.list({ ...all, ...query })).map(({ at }) => at);

  test('are stored unchanged, and listed newest first', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const rows = [row(1), row(2, { namespace: 'other', action: null, activationId: null }), row(3)];
    await Promise.all(rows.map((each) => store().violations.add(each)));
    await reopen();
    expect(await store().violations.list(all)).toEqual(rows.toReversed());
    expect(await timesOf({ namespace: 'guest' })).toEqual([3, 1]);
    expect(await timesOf({ namespace: 'nobody' })).toEqual([]);
    expect(await timesOf({ skip: 1, limit: 1 })).toEqual([2]);
  });

  test('are found by kind and time', async () => {
    for (const each of [row(1), row(2, { kind: 'oom' }), row(3, { kind: 'oom' })]) {
      await store().violations.add(each);
    }
    expect(await timesOf({ kind: 'oom' })).toEqual([3, 2]);
    expect(await timesOf({ kind: 'oom', since: 3 })).toEqual([3]);
    expect(await store().violations.count({ namespace: 'guest', since: 2 })).toBe(2);
    expect(await store().violations.count({})).toBe(3);
  });

  test('can be read at once, before they are on disk', async () => {
    const added = store().violations.add(row(1));
    expect(await timesOf({ namespace: 'guest' })).toEqual([1]);
    await added;
  });

  test('the newest thousand of a namespace are kept, whatever others have', async () => {
    await store().namespaces.create(namespaceRow('other'));
    await store().violations.add(row(0, { namespace: 'other' }));
    const many = Array.from({ length: 1010 }, (_, at) => store().violations.add(row(at)));
    await Promise.all(many);
    expect(await store().violations.count({ namespace: 'guest' })).toBe(1000);
    expect(await timesOf({ namespace: 'guest', skip: 998 })).toEqual([11, 10]);
    expect(await timesOf({ namespace: 'other' })).toEqual([0]);
  });

  test('are deleted with their namespace, and refused without one', async () => {
    await store().violations.add(row(1));
    await store().namespaces.delete('guest');
    expect(await timesOf({})).toEqual([]);
    await expect(store().violations.add(row(2))).rejects.toMatchObject({ code: 'STORE_NO_NAMESPACE' });
  });
}
