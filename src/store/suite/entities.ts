/** Entities: one for each path, one winner of each write, listed newest first. */
import { expect, test } from 'vitest';
import { all, type Context, entityRow, namesInOrder, namespaceRow, scattered } from './context.ts';

export function entityTests({ store, reopen }: Context): void {
  test('are stored unchanged', async () => {
    const document = {
      text: 'naïve 🦊 \u0000 \ud800 "quote" \u2028',
      deep: [{ a: [null, 1.5, true] }],
      big: 2 ** 53,
    };
    const row = entityRow('pkg/größe 🦊', { document, codeDigest: 'sha256:ab' });
    expect(await store().entities.put(row, null)).toBe(true);
    await reopen();
    expect(await store().entities.get('guest', 'pkg/größe 🦊')).toEqual(row);
    expect(await store().entities.get('guest', 'pkg')).toBeUndefined();
    expect(await store().entities.get('other', 'pkg/größe 🦊')).toBeUndefined();
  });

  test('a path is one entity, whatever its collection', async () => {
    await store().entities.put(entityRow('a'), null);
    expect(await store().entities.put(entityRow('a', { collection: 'rules' }), null)).toBe(false);
    expect((await store().entities.get('guest', 'a'))?.collection).toBe('actions');
  });

  test('a write of a revision that is no longer current loses', async () => {
    const first = entityRow('a');
    const second = entityRow('a', { document: { n: 2 } });
    expect(await store().entities.put(second, first.revision)).toBe(false);
    await store().entities.put(first, null);
    expect(await store().entities.put(second, first.revision)).toBe(true);
    expect(await store().entities.put(entityRow('a'), first.revision)).toBe(false);
    expect(await store().entities.delete('guest', 'a', first.revision)).toBe(false);
    expect(await store().entities.get('guest', 'a')).toEqual(second);
    expect(await store().entities.delete('guest', 'a', second.revision)).toBe(true);
    expect(await store().entities.get('guest', 'a')).toBeUndefined();
  });

  test('exactly one of many concurrent writers wins', async () => {
    const inserts = Array.from({ length: 20 }, () => entityRow('a'));
    const inserted = await Promise.all(inserts.map((row) => store().entities.put(row, null)));
    expect(inserted.filter(Boolean)).toHaveLength(1);
    const current = inserts[inserted.indexOf(true)]?.revision ?? '';
    const updates = Array.from({ length: 20 }, () => entityRow('a'));
    const updated = await Promise.all(updates.map((row) => store().entities.put(row, current)));
    expect(updated.filter(Boolean)).toHaveLength(1);
    expect(await store().entities.get('guest', 'a')).toEqual(updates[updated.indexOf(true)]);
  });

  test('concurrent read-modify-write loops lose no update', async () => {
    await store().entities.put(entityRow('counter', { document: { n: 0 } }), null);
    const increment = async () => {
      for (;;) {
        const row = await store().entities.get('guest', 'counter');
        if (row === undefined) throw new Error('the counter is gone');
        const document = { n: Number(row.document['n']) + 1 };
        if (await store().entities.put(entityRow('counter', { document }), row.revision)) return;
      }
    };
    await Promise.all(Array.from({ length: 10 }, increment));
    expect((await store().entities.get('guest', 'counter'))?.document).toEqual({ n: 10 });
  });

  test('with the same time are listed in byte order', async () => {
    for (const name of scattered(namesInOrder)) await store().entities.put(entityRow(`p/${name}`), null);
    const query = { ...all, collection: 'actions', package: 'p' } as const;
    expect((await store().entities.list(query)).map(({ path }) => path)).toEqual(
      namesInOrder.map((name) => `p/${name}`),
    );
  });

  test('lists are newest first, in pages, by collection and package', async () => {
    const paths = ['a', 'p/a', 'p/b', 'pq/a', 'p%/x', 'b'];
    for (const [index, path] of paths.entries()) {
      await store().entities.put(entityRow(path, { updatedAt: 1_000 + index }), null);
    }
    await store().entities.put(entityRow('p', { collection: 'packages', updatedAt: 5_000 }), null);
    const query = { ...all, collection: 'actions' } as const;
    const list = async (more: object) =>
      (await store().entities.list({ ...query, ...more })).map((row) => row.path);
    expect(await list({})).toEqual(['b', 'p%/x', 'pq/a', 'p/b', 'p/a', 'a']);
    expect(await list({ skip: 1, limit: 2 })).toEqual(['p%/x', 'pq/a']);
    expect(await list({ skip: 6 })).toEqual([]);
    expect(await list({ limit: 0 })).toEqual([]);
    expect(await list({ package: 'p' })).toEqual(['p/b', 'p/a']);
    expect(await list({ package: 'p%' })).toEqual(['p%/x']);
    expect(await list({ namespace: 'other' })).toEqual([]);
    expect(await store().entities.count(query)).toBe(6);
    expect(await store().entities.count({ ...query, package: 'p' })).toBe(2);
    expect(await store().entities.count({ ...query, collection: 'packages' })).toBe(1);
  });

  test('holders of a code blob are counted over all namespaces', async () => {
    await store().namespaces.create(namespaceRow('other'));
    await store().entities.put(entityRow('a', { codeDigest: 'd1' }), null);
    await store().entities.put(entityRow('b', { codeDigest: 'd1', namespace: 'other' }), null);
    await store().entities.put(entityRow('c', { codeDigest: 'd2' }), null);
    expect(await store().entities.countByCodeDigest('d1')).toBe(2);
    expect(await store().entities.countByCodeDigest('d3')).toBe(0);
    expect(await store().entities.actionsWithCode('d1')).toEqual(['guest/a', 'other/b']);
    expect(await store().entities.actionsWithCode('d3')).toEqual([]);
  });

  test('the code of all actions is listed once, in order and by pages', async () => {
    for (const [path, codeDigest] of [
      ['a', 'd3'],
      ['b', 'd1'],
      ['c', 'd3'],
      ['d', 'd2'],
      ['e', null],
    ] as const)
      await store().entities.put(entityRow(path, { codeDigest }), null);
    expect(await store().entities.codeAfter('', 2)).toEqual(['d1', 'd2']);
    expect(await store().entities.codeAfter('d2', 2)).toEqual(['d3']);
    expect(await store().entities.codeAfter('d3', 2)).toEqual([]);
  });

  test('an entity without a namespace is refused', async () => {
    await expect(store().entities.put(entityRow('a', { namespace: 'nobody' }), null)).rejects.toMatchObject({
      code: 'STORE_NO_NAMESPACE',
    });
  });
}
