/** Leases of work that one server does at a time. */
import { expect, test } from 'vitest';
import type { Lease } from '../types/leases.ts';
import type { Store } from '../types/store.ts';
import {
  activationRow,
  type Context,
  deliveryRow,
  entityRow,
  feedRow,
  namespaceRow,
  write,
} from './context.ts';

const longMs = 60_000;

export function leaseTests({ store, place, reopen }: Context): void {
  const take = (holder: string, ms = longMs, from: Store = store()) =>
    from.leases.take({ name: 'work', holder, ms });
  const mustTake = async (holder: string, ms?: number): Promise<Lease> => {
    const lease = await take(holder, ms);
    if (lease === undefined) throw new Error('another one holds it');
    return lease;
  };
  /** As its time does when the holder sleeps. */
  const end = (lease: Lease) => store().leases.drop(lease);

  test('one of many that ask at once gets it, each name by itself', async () => {
    await using other = await place().open();
    const asked = Array.from({ length: 10 }, (_, at) =>
      take(`h${at}`, longMs, at % 2 === 0 ? store() : other),
    );
    expect((await Promise.all(asked)).filter((lease) => lease !== undefined)).toHaveLength(1);
    expect(await store().leases.take({ name: 'other work', holder: 'a', ms: longMs })).toBeDefined();
  });

  test('outlives the store that took it', async () => {
    await take('a');
    await reopen();
    expect(await take('b')).toBeUndefined();
  });

  test('ends after its time by the database’s clock, and not before', async () => {
    const lease = await mustTake('a', 100);
    expect(await take('b')).toBeUndefined();
    await expect.poll(() => take('b')).toBeDefined();
    expect(await store().leases.renew(lease, longMs)).toBe(false);
  });

  test('runs on when it is renewed in time', async () => {
    const lease = await mustTake('a', 2000);
    expect(await store().leases.renew(lease, longMs)).toBe(true);
    expect(await take('b')).toBeUndefined();
  });

  test('cannot be renewed when it has ended, even if no one has taken it since', async () => {
    const lease = await mustTake('a', 0);
    expect(await store().leases.renew(lease, longMs)).toBe(false);
  });

  test('has a token that grows with each holder, also after it was dropped', async () => {
    const tokens: number[] = [];
    for (const holder of ['a', 'b', 'a']) {
      const lease = await mustTake(holder);
      tokens.push(lease.token);
      await end(lease);
    }
    expect(tokens).toEqual([1, 2, 3]);
  });

  test('is not dropped by an earlier holder', async () => {
    const stale = await mustTake('a', 0);
    await mustTake('b');
    await end(stale);
    expect(await take('c')).toBeUndefined();
  });

  /** Every write under a lease. Each says whether it had an effect. */
  const leasedWrites: readonly [string, (store: Store, lease: Lease) => Promise<boolean>][] = [
    [
      'settings',
      (one, lease) =>
        one.under(lease).namespaces.putSettings('guest', { days: 7 }, namespaceRow('guest').settings),
    ],
    ['an entity', (one, lease) => one.under(lease).entities.put(entityRow('new'), null)],
    ['a feed', (one, lease) => one.under(lease).feeds.put(feedRow('new'), null)],
    [
      'a delivery',
      async (one, lease) => {
        const row = deliveryRow();
        await one.deliveries.add(row);
        return one.under(lease).deliveries.update({ ...row, attempt: 2 }, row);
      },
    ],
    [
      'the deletion of records',
      async (one, lease) => {
        await one.activations.append(write(activationRow()));
        const rule = { namespace: 'guest', keep: 0, max: 10 };
        return (await one.under(lease).activations.prune(rule)) === 1;
      },
    ],
  ];

  test('its holder writes', async () => {
    const lease = await mustTake('a');
    for (const [what, run] of leasedWrites) expect([what, await run(store(), lease)]).toEqual([what, true]);
  });

  test('a holder that slept until another one took it changes nothing', async () => {
    const stale = await mustTake('a', 0);
    const current = await mustTake('b');
    for (const [what, run] of leasedWrites) {
      const outcome = await run(store(), stale).catch((error) => error.code);
      expect([what, outcome]).toEqual([what, 'STORE_LEASE_LOST']);
    }
    expect(await store().entities.get('guest', 'new')).toBeUndefined();
    expect(await store().feeds.get('guest', 'new')).toBeUndefined();
    const waiting = await store().deliveries.due(Number.MAX_SAFE_INTEGER, 10);
    expect(waiting.map(({ attempt }) => attempt)).toEqual([1]);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(1);
    expect(await store().leases.renew(current, longMs)).toBe(true);
  });

  test('under it, a write of which another version exists is told from a lost lease', async () => {
    const lease = await mustTake('a');
    await store().feeds.put(feedRow('t'), null);
    expect(await store().under(lease).feeds.put(feedRow('t'), 'another revision')).toBe(false);
    expect(await store().under(lease).entities.put(entityRow('a'), 'another revision')).toBe(false);
  });
}
