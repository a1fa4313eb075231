/** Links between entities, what other namespaces can see, and packages that are deleted with their content. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { EntityQuery } from '../types/entities.ts';
import { all, type Context, entityRow, namespaceRow } from './context.ts';

export function entityLinkTests({ store, reopen }: Context): void {
  const paths = async (query: Partial<EntityQuery>) => {
    const rows = await store().entities.list({ ...all, collection: 'rules', ...query });
    return rows.map((row) => row.path);
  };

  test('the rules of a trigger are found, newest first', async () => {
    const rule = (path: string, link: string | null, updatedAt: number) =>
      store().entities.put(entityRow(path, { collection: 'rules', link, updatedAt }), null);
    await rule('r1', 'guest/t', 1_000);
    await rule('r2', 'guest/other', 2_000);
    await rule('r3', 'guest/t', 3_000);
    await rule('r4', null, 4_000);
    await store().entities.put(entityRow('p', { collection: 'packages', link: 'guest/t' }), null);
    await reopen();
    expect(await paths({ link: 'guest/t' })).toEqual(['r3', 'r1']);
    expect(await paths({ link: 'guest/t', skip: 1 })).toEqual(['r1']);
    expect(await paths({ link: 'guest/none' })).toEqual([]);
    expect(await store().entities.count({ ...all, collection: 'rules', link: 'guest/t' })).toBe(2);
    expect((await store().entities.get('guest', 'r3'))?.link).toBe('guest/t');
    expect((await store().entities.get('guest', 'r4'))?.link).toBeNull();
  });

  test('an update changes an entity’s links and who can see it', async () => {
    const first = entityRow('r', { collection: 'rules', link: 'guest/a', shared: true });
    await store().entities.put(first, null);
    const second = entityRow('r', { collection: 'rules', link: 'guest/b' });
    await store().entities.put(second, first.revision);
    expect(await paths({ link: 'guest/a' })).toEqual([]);
    expect(await paths({ link: 'guest/b' })).toEqual(['r']);
    expect(await paths({ shared: true })).toEqual([]);
    expect(await store().entities.get('guest', 'r')).toEqual(second);
  });

  test('entities are found by a part of their path', async () => {
    for (const path of ['hello', 'p/Hello-2', 'p/other', '100%', 'a_b', 'axb', 'a\\b'])
      await store().entities.put(entityRow(path, { collection: 'rules' }), null);
    const found = async (pathContains: string) => (await paths({ pathContains })).toSorted();
    expect(await found('hELLO')).toEqual(['hello', 'p/Hello-2']);
    expect(await found('p/')).toEqual(['p/Hello-2', 'p/other']);
    for (const [text, path] of [
      ['%', '100%'],
      ['_', 'a_b'],
      ['\\', 'a\\b'],
    ] as const)
      expect(await found(text)).toEqual([path]);
    expect(await store().entities.count({ ...all, collection: 'rules', pathContains: 'hello' })).toBe(2);
  });

  test('only shared packages are listed', async () => {
    for (const [index, path] of ['a', 'b', 'c', 'd'].entries()) {
      const row = { collection: 'packages', shared: index % 2 === 1, updatedAt: 1_000 + index } as const;
      await store().entities.put(entityRow(path, row), null);
    }
    expect(await paths({ collection: 'packages', shared: true })).toEqual(['d', 'b']);
    expect(await paths({ collection: 'packages' })).toEqual(['d', 'c', 'b', 'a']);
    expect(await store().entities.count({ ...all, collection: 'packages', shared: true })).toBe(2);
    expect((await store().entities.get('guest', 'b'))?.shared).toBe(true);
    expect((await store().entities.get('guest', 'c'))?.shared).toBe(false);
  });

  describe('of packages', () => packageTests({ store }));
}

function packageTests({ store }: Pick<Context, 'store'>): void {
  const top = entityRow('p', { collection: 'packages' });
  const inside = ['p/a', 'p/b'].map((path) => entityRow(path, { codeDigest: 'd1' }));
  beforeEach(async () => {
    await store().namespaces.create(namespaceRow('other'));
    for (const row of [top, ...inside, entityRow('pq/a'), entityRow('a')]) {
      await store().entities.put(row, null);
    }
    await store().entities.put(entityRow('p/a', { namespace: 'other' }), null);
  });
  const left = async () => {
    const query = { ...all, collection: 'actions' } as const;
    const rows = [
      ...(await store().entities.list(query)),
      ...(await store().entities.list({ ...query, namespace: 'other' })),
    ];
    return rows.map((row) => `${row.namespace}/${row.path}`).toSorted();
  };
  const others = ['guest/a', 'guest/pq/a', 'other/p/a'];

  test('a package is deleted with its content, and nothing else', async () => {
    const gone = await store().entities.deleteTree('guest', 'p', top.revision);
    expect(gone?.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual(inside);
    expect(await store().entities.get('guest', 'p')).toBeUndefined();
    expect(await left()).toEqual(others);
    expect(await store().entities.deleteTree('guest', 'p', top.revision)).toBeUndefined();
  });

  test('a package that was written meanwhile is not deleted', async () => {
    expect(await store().entities.deleteTree('guest', 'p', 'stale')).toBeUndefined();
    expect(await store().entities.get('guest', 'p')).toEqual(top);
    expect(await left()).toEqual(['guest/a', 'guest/p/a', 'guest/p/b', 'guest/pq/a', 'other/p/a']);
  });

  test('one of many concurrent deletes and changes of a package wins', async () => {
    const changed = entityRow('p', { collection: 'packages' });
    const [put, ...trees] = await Promise.all([
      store().entities.put(changed, top.revision),
      ...Array.from({ length: 5 }, () => store().entities.deleteTree('guest', 'p', top.revision)),
    ]);
    expect([put, ...trees].filter((outcome) => outcome !== false && outcome !== undefined)).toHaveLength(1);
    expect(await left()).toHaveLength(put ? 5 : 3);
  });

  test('an empty package gives an empty list', async () => {
    const empty = entityRow('empty', { collection: 'packages' });
    await store().entities.put(empty, null);
    expect(await store().entities.deleteTree('guest', 'empty', empty.revision)).toEqual([]);
  });
}
