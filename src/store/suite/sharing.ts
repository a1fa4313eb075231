/** Several stores that are open on the same database. */
import { expect, test } from 'vitest';
import type { Store } from '../types/store.ts';
import {
  accept,
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
  test('each reads the other’s writes', async () => {
    await using other = await place().open();
    await store().entities.put(entityRow('mine'), null);
    expect(await other.entities.get('guest', 'mine')).toBeDefined();
    await other.namespaces.create(namespaceRow('theirs'));
    expect(await store().namespaces.byName('theirs')).toBeDefined();
  });

  test('both can write at once', async () => {
    await using other = await place().open();
    const writes = [store(), other].flatMap((one) =>
      Array.from({ length: 300 }, () => one.activations.append(write(activationRow()))),
    );
    await Promise.all(writes);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(600);
  });

  test('when two adopt at once, each call goes to one of them', async () => {
    await using other = await place().open();
    for (const node of ['b', 'c']) await store().accepted.extend({ node, leaseMs: 60_000 });
    for (let round = 0; round < 10; round++) {
      const accepts = Array.from({ length: 100 }, (_, at) => accept(store(), 'guest', at));
      const accepted = await Promise.all(accepts);
      const adopted = await Promise.all([
        store().accepted.adopt('b', 100),
        other.accepted.adopt('c', 100),
        store().accepted.adopt('b', 10),
      ]);
      const ids = adopted.flat().map(({ activationId }) => activationId);
      expect(ids.toSorted()).toEqual(accepted.toSorted());
    }
  });

  test('together they stay within the bound of a namespace', async () => {
    await using other = await place().open();
    const maxBytes = 5 * (1024 + JSON.stringify({ path: 'a' }).length);
    const puts = Array.from('abcdefghij', (path, index) =>
      (index % 2 === 0 ? store() : other).entities.put(entityRow(path), null, { maxBytes }).then(
        () => 'put',
        (error) => error.code,
      ),
    );
    const outcomes = await Promise.all(puts);
    expect(outcomes.toSorted()).toEqual([
      ...Array.from({ length: 5 }, () => 'STORE_QUOTA'),
      ...Array.from({ length: 5 }, () => 'put'),
    ]);
    expect((await store().holdings.get('guest'))?.entityBytes).toBe(maxBytes);
  });

  test('they never deadlock, whatever the order of their counters', async () => {
    await using other = await place().open();
    const names = Array.from('abcdefgh');
    for (const name of names) await store().namespaces.create(namespaceRow(name));
    for (let round = 0; round < 10; round++) {
      const appends = (one: Store, order: readonly string[]) =>
        order.map((namespace) => one.activations.append(write(activationRow({ namespace }))));
      await Promise.all([...appends(store(), names), ...appends(other, names.toReversed())]);
      await Promise.all([store().activations.flush(), other.activations.flush()]);
    }
    for (const namespace of names) expect(await store().activations.count({ namespace })).toBe(20);
  });

  test('when both write or claim the same row, one wins', async () => {
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

  test('two that prune at once never delete more than the excess', async () => {
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

  test('several can open an empty database at once', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => place().open()));
    expect((await stores[3]?.namespaces.list())?.map((row) => row.name)).toEqual(['guest']);
    await Promise.all(stores.map((one) => one.close()));
  });

  test('a closed store reports it, and can be closed twice', async () => {
    const other = await place().open();
    await other.close();
    await other.close();
    const fault = { code: 'STORE_CLOSED', kind: 'busy', retryAfterMs: 5000 };
    await expect(other.namespaces.list()).rejects.toMatchObject(fault);
    await expect(other.activations.append(write(activationRow()))).rejects.toMatchObject(fault);
  });
}
