/** The code that a write replaced: one for each action, counted as its namespace's code, gone before a write is refused. */
import { expect, test } from 'vitest';
import type { EntityRow } from '../types/entities.ts';
import { apiRow, type Context, entityRow, namespaceRow } from './context.ts';

export function earlierCodeTests({ store, reopen }: Context): void {
  const bytes = 10_000;
  const codeBytes = async (namespace = 'guest') => (await store().holdings.get(namespace))?.codeBytes;
  const kept = async (path: string, namespace = 'guest') =>
    (await store().entities.earlierCode(namespace, path))?.digest;
  const code = (digest: string | null) => (digest === null ? undefined : { digest, bytes });
  /** Puts the row, and keeps what the action has had until then. */
  const put = async (
    path: string,
    digest: string | null,
    more: Partial<EntityRow> = {},
    maxBytes = 1e9,
  ): Promise<EntityRow> => {
    const row = entityRow(path, { ...more, codeDigest: digest });
    const before = await store().entities.get(row.namespace, path);
    const earlier =
      typeof before?.codeDigest === 'string'
        ? { digest: before.codeDigest, document: { was: before.codeDigest } }
        : undefined;
    const bound = { maxBytes, code: code(digest) };
    expect(await store().entities.put(row, before?.revision ?? null, bound, earlier)).toBe(true);
    return row;
  };

  test('one is kept for each action, with its document, until the action is deleted', async () => {
    await put('a', 'x');
    expect(await kept('a')).toBeUndefined();
    await put('a', 'y');
    expect(await store().entities.earlierCode('guest', 'a')).toEqual({ digest: 'x', document: { was: 'x' } });
    const last = await put('a', 'z');
    await reopen();
    expect([await kept('a'), await kept('b')]).toEqual(['y', undefined]);
    expect(
      await store().entities.put(entityRow('a'), 'stale', undefined, { digest: 'q', document: {} }),
    ).toBe(false);
    expect([await kept('a'), await store().entities.countByCodeDigest('q')]).toEqual(['y', 0]);
    const count = (digest: string) => store().entities.countByCodeDigest(digest);
    expect([await count('x'), await count('y'), await count('z')]).toEqual([0, 1, 1]);
    expect(await store().entities.delete('guest', 'a', last.revision)).toBe(true);
    expect([await kept('a'), await count('y'), await codeBytes()]).toEqual([undefined, 0, 0]);
  });

  test('counts once for each namespace, beside the code of actions', async () => {
    await store().namespaces.create(namespaceRow('other'));
    await put('a', 'x');
    await put('a', 'y');
    expect(await codeBytes()).toBe(2 * bytes);
    await put('b', 'x');
    await put('b', 'x', { namespace: 'other' });
    expect([await codeBytes(), await codeBytes('other')]).toEqual([2 * bytes, bytes]);
    // What was replaced becomes the code again, and the other way round.
    await put('a', 'x');
    expect([await kept('a'), await codeBytes()]).toEqual(['y', 2 * bytes]);
    await put('a', null);
    expect([await kept('a'), await codeBytes()]).toEqual(['x', bytes]);
    // Then it is no earlier code any more.
    const again = await put('a', 'x');
    expect([await kept('a'), await codeBytes(), await codeBytes('other')]).toEqual([undefined, bytes, bytes]);
    await store().entities.delete('guest', 'a', again.revision);
    expect([await codeBytes(), await codeBytes('other')]).toEqual([bytes, bytes]);
    await put('b', 'z');
    await store().namespaces.delete('guest');
    await store().namespaces.create(namespaceRow('guest'));
    expect([await codeBytes(), await codeBytes('other')]).toEqual([0, bytes]);
    expect(await store().entities.countByCodeDigest('x')).toBe(1);
  });

  test('is listed for a namespace and for a package, and goes with it', async () => {
    const pack = entityRow('p', { collection: 'packages' });
    await store().entities.put(pack, null);
    for (const [path, first] of [
      ['p/a', 'x'],
      ['pq', 'y'],
    ] as const) {
      await put(path, first);
      await put(path, `${first}2`);
    }
    const { entities } = store();
    expect((await entities.earlierDigests('guest')).toSorted()).toEqual(['x', 'y']);
    expect(await entities.earlierDigests('guest', 'p')).toEqual(['x']);
    await entities.deleteTree('guest', 'p', pack.revision);
    expect([await entities.earlierDigests('guest'), await codeBytes()]).toEqual([['y'], 2 * bytes]);
  });

  test('gives way to a write that does not fit beside it', async () => {
    const held = async () => {
      const { entityBytes = 0, codeBytes: code = 0 } = (await store().holdings.get('guest')) ?? {};
      return entityBytes + code;
    };
    await put('a', 'x');
    await put('a', 'y');
    const full = await held();
    // Nothing is removed for a write that would not fit even so.
    const huge = entityRow('b', { document: { text: 'x'.repeat(2 * bytes) } });
    await expect(store().entities.put(huge, null, { maxBytes: full })).rejects.toMatchObject({
      code: 'STORE_QUOTA',
    });
    expect(await kept('a')).toBe('x');
    await put('b', 'z', {}, full + bytes / 2);
    expect([await kept('a'), await codeBytes()]).toEqual([undefined, 2 * bytes]);
    // What the write itself replaces is not kept either.
    await put('b', 'x', {}, await held());
    expect([await kept('b'), await codeBytes()]).toEqual([undefined, 2 * bytes]);
    await put('a', 'z');
    expect([await kept('a'), await codeBytes()]).toEqual(['y', 3 * bytes]);
    await store().apis.put(apiRow('/a'), null, { maxBytes: await held() });
    expect([await kept('a'), await codeBytes()]).toEqual([undefined, 2 * bytes]);
  });
}
