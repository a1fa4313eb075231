/** Several stores open on the same place. */
import { expect, test } from 'vitest';
import { activationRow, type Context, entityRow, namespaceRow, write } from './context.ts';

export function sharingTests({ store, place }: Context): void {
  test('each sees what the other wrote, and notices it', async () => {
    await using other = await place().open();
    const [before, otherBefore] = [await store().foreignWrites(), await other.foreignWrites()];
    await store().entities.put(entityRow('mine'), null);
    expect(await store().foreignWrites()).toBe(before);
    expect(await other.foreignWrites()).toBeGreaterThan(otherBefore);
    expect(await other.entities.get('guest', 'mine')).toBeDefined();
    await other.namespaces.create(namespaceRow('theirs'));
    expect(await store().foreignWrites()).toBeGreaterThan(before);
    expect(await store().namespaces.byName('theirs')).toBeDefined();
  });

  test('both write at once', async () => {
    await using other = await place().open();
    const writes = [store(), other].flatMap((one) =>
      Array.from({ length: 300 }, () => one.activations.append(write(activationRow()))),
    );
    await Promise.all(writes);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(600);
  });

  test('many may open an empty place at once', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => place().open()));
    expect((await stores[3]?.namespaces.list())?.map((row) => row.name)).toEqual(['guest']);
    await Promise.all(stores.map((one) => one.close()));
  });

  test('a closed store says so, and closing twice is nothing', async () => {
    const other = await place().open();
    await other.close();
    await other.close();
    await expect(other.namespaces.list()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(other.activations.append(write(activationRow()))).rejects.toMatchObject({
      code: 'STORE_CLOSED',
    });
  });
}
