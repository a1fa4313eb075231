/** Why logs were not forwarded: of several servers that replace a document, the first wins. */
import { expect, test } from 'vitest';
import { type Context, namespaceRow } from './context.ts';

export function forwardingErrorTests({ store, place, reopen }: Context): void {
  const get = (namespace = 'guest') => store().forwardingErrors.get(namespace);

  test('of many servers that replace what they have read, one does', async () => {
    await using other = await place().open();
    const write = (expected: Awaited<ReturnType<typeof get>>) =>
      Promise.all(
        [1, 2, 3, 4].map((n) => {
          const { forwardingErrors } = n % 2 === 0 ? store() : other;
          return forwardingErrors.replace('guest', { n, was: expected ?? null, text: 'ü' }, expected);
        }),
      );
    expect((await write(undefined)).filter(Boolean)).toHaveLength(1);
    const first = await get();
    expect((await write(first)).filter(Boolean)).toHaveLength(1);
    expect((await write(first)).filter(Boolean)).toHaveLength(0);
    await reopen();
    expect(await get()).toMatchObject({ was: first, text: 'ü' });
  });

  test('they are deleted with their namespace, and refused without one', async () => {
    await store().namespaces.create(namespaceRow('other'));
    for (const name of ['guest', 'other']) await store().forwardingErrors.replace(name, { name }, undefined);
    await store().namespaces.delete('guest');
    await expect(store().forwardingErrors.replace('guest', {}, undefined)).rejects.toMatchObject({
      code: 'STORE_NO_NAMESPACE',
    });
    await store().namespaces.create(namespaceRow('guest'));
    expect(await get()).toBeUndefined();
    expect(await get('other')).toEqual({ name: 'other' });
  });
}
