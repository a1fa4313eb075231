/** Several stores open on the same place. */
import { expect, test } from 'vitest';
import type { Store } from '../types/store.ts';
import {
  activationRow,
  apiRow,
  type Context,
  entityRow,
  feedRow,
  keyRow,
  namespaceRow,
  write,
} from './context.ts';

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

  test('of two that write or claim the same, one wins', async () => {
    await using other = await place().open();
    const race = async (write: (one: Store, index: number) => Promise<boolean>) => {
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => write(index % 2 === 0 ? store() : other, index)),
      );
      return outcomes.filter(Boolean).length;
    };
    const { keyId } = keyRow();
    expect(await race((one) => one.feeds.put(feedRow('t'), null))).toBe(1);
    expect(await race((one) => one.apis.put(apiRow('/a'), null))).toBe(1);
    const current = (await store().feeds.get('guest', 't'))?.revision ?? '';
    expect(await race((one) => one.feeds.put(feedRow('t'), current))).toBe(1);
    const claims = await race((one, index) =>
      index % 4 < 2
        ? one.namespaces.create({ ...namespaceRow(`n${index}`), keyId })
        : one.keys.create(keyRow({ keyId })).then(
            () => true,
            () => false,
          ),
    );
    expect(claims).toBe(1);
  });

  test('two that prune at once never take more than is to go', async () => {
    await using other = await place().open();
    const rows = Array.from({ length: 400 }, (_, start) => activationRow({ start }));
    await Promise.all(rows.map((row) => store().activations.append(write(row))));
    const prune = async (one: Store) => {
      let pruned = 0;
      for (let some = 1; some > 0; pruned += some) {
        some = await one.activations.prune({ namespace: 'guest', keep: 100, max: 7 });
      }
      return pruned;
    };
    const [mine = 0, theirs = 0] = await Promise.all([prune(store()), prune(other)]);
    expect(mine + theirs).toBe(300);
    expect(await other.activations.count({ namespace: 'guest' })).toBe(100);
    expect(await store().activations.count({ namespace: 'guest', since: 300 })).toBe(100);
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
