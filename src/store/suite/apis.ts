/** APIs: one for each base path, one winner of each write. */
import { expect, test } from 'vitest';
import { apiRow, type Context, namesInOrder, namespaceRow, scattered } from './context.ts';

export function apiTests({ store, reopen }: Context): void {
  test('are stored unchanged, and listed by base path', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const rows = ['/b', '/a', '/größe'].map((basePath) => apiRow(basePath, { document: { verbs: ['get'] } }));
    for (const row of rows) expect(await store().apis.put(row, null)).toBe(true);
    await store().apis.put(apiRow('/a', { namespace: 'other' }), null);
    await reopen();
    expect(await store().apis.get('guest', '/größe')).toEqual(rows[2]);
    expect(await store().apis.get('other', '/b')).toBeUndefined();
    expect(await store().apis.list('guest')).toEqual([rows[1], rows[0], rows[2]]);
    expect(await store().apis.list('nobody')).toEqual([]);
  });

  test('are listed in byte order', async () => {
    for (const name of scattered(namesInOrder)) await store().apis.put(apiRow(`/${name}`), null);
    expect((await store().apis.list('guest')).map(({ basePath }) => basePath)).toEqual(
      namesInOrder.map((name) => `/${name}`),
    );
  });

  test('a write of a revision that is no longer current loses', async () => {
    const first = apiRow('/a');
    const second = apiRow('/a', { updatedAt: 2_000, document: { n: 2 } });
    expect(await store().apis.put(second, first.revision)).toBe(false);
    expect(await store().apis.put(first, null)).toBe(true);
    expect(await store().apis.put(second, null)).toBe(false);
    expect(await store().apis.put(second, first.revision)).toBe(true);
    expect(await store().apis.put(apiRow('/a'), first.revision)).toBe(false);
    expect(await store().apis.get('guest', '/a')).toEqual(second);
    expect(await store().apis.delete('guest', '/a')).toBe(true);
    expect(await store().apis.delete('guest', '/a')).toBe(false);
  });

  test('exactly one of many concurrent writers wins', async () => {
    const inserts = Array.from({ length: 20 }, () => apiRow('/a'));
    const inserted = await Promise.all(inserts.map((row) => store().apis.put(row, null)));
    expect(inserted.filter(Boolean)).toHaveLength(1);
    const current = inserts[inserted.indexOf(true)]?.revision ?? '';
    const updates = Array.from({ length: 20 }, () => apiRow('/a'));
    const updated = await Promise.all(updates.map((row) => store().apis.put(row, current)));
    expect(await store().apis.list('guest')).toEqual([updates[updated.indexOf(true)]]);
  });

  test('an API without a namespace is refused', async () => {
    const put = store().apis.put(apiRow('/a', { namespace: 'nobody' }), null);
    await expect(put).rejects.toMatchObject({ code: 'STORE_NO_NAMESPACE' });
  });
}
