/** Deliveries: the earliest is due first while they wait; dead ones are listed newest first. */
import { expect, test } from 'vitest';
import type { DeliveryRow } from '../types/deliveries.ts';
import { type Context, deliveryRow, namespaceRow } from './context.ts';

export function deliveryTests({ store, reopen }: Context): void {
  const ids = (rows: readonly DeliveryRow[]) => rows.map((row) => row.id);

  test('are stored unchanged, and found from their own namespace', async () => {
    const row = deliveryRow({ document: { text: 'ü', list: [1, null] } });
    await store().deliveries.add(row);
    await reopen();
    expect(await store().deliveries.get('guest', row.id)).toEqual(row);
    expect(await store().deliveries.get('other', row.id)).toBeUndefined();
    expect(await store().deliveries.get('guest', 'nothing')).toBeUndefined();
  });

  test('an update of an older attempt is ignored', async () => {
    const row = deliveryRow({ attempt: 1 });
    await store().deliveries.add(row);
    const tries = Array.from({ length: 8 }, (_, dueAt) => ({ ...row, attempt: 2, dueAt }));
    const updated = await Promise.all(tries.map((next) => store().deliveries.update(next, row)));
    expect(updated.filter(Boolean)).toHaveLength(1);
    expect(await store().deliveries.get('guest', row.id)).toEqual(tries[updated.indexOf(true)]);
    expect(await store().deliveries.update({ ...row, id: 'nothing' }, row)).toBe(false);
    expect(await store().deliveries.update({ ...row, namespace: 'other' }, { ...row, attempt: 2 })).toBe(
      false,
    );
  });

  test('waiting ones are returned earliest first, over all namespaces', async () => {
    expect(await store().deliveries.nextDue()).toBeUndefined();
    await store().namespaces.create(namespaceRow('other'));
    const late = deliveryRow({ dueAt: 3_000 });
    const early = deliveryRow({ dueAt: 1_000, namespace: 'other' });
    const dead = deliveryRow({ dueAt: 500, state: 'dead' });
    for (const row of [late, early, dead]) await store().deliveries.add(row);
    expect(ids(await store().deliveries.due(3_000, 10))).toEqual([early.id, late.id]);
    expect(ids(await store().deliveries.due(3_000, 1))).toEqual([early.id]);
    expect(await store().deliveries.due(999, 10)).toEqual([]);
    expect(await store().deliveries.nextDue()).toBe(1_000);
    expect(await store().deliveries.delete('guest', early.id)).toBe(false);
    expect(await store().deliveries.delete('other', early.id)).toBe(true);
    expect(await store().deliveries.delete('other', early.id)).toBe(false);
    expect(await store().deliveries.nextDue()).toBe(3_000);
  });

  test('dead ones are listed newest first, by rule, in pages, and can be revived', async () => {
    const dead = [1_000, 3_000, 2_000].map((dueAt, index) =>
      deliveryRow({ dueAt, state: 'dead', rule: index === 2 ? 'other-rule' : 'on-order' }),
    );
    for (const row of [...dead, deliveryRow()]) await store().deliveries.add(row);
    const [first, second, third] = ids(dead);
    const query = { namespace: 'guest', skip: 0, limit: 10 };
    expect(ids(await store().deliveries.dead(query))).toEqual([second, third, first]);
    expect(ids(await store().deliveries.dead({ ...query, skip: 1, limit: 1 }))).toEqual([third]);
    expect(ids(await store().deliveries.dead({ ...query, rule: 'on-order' }))).toEqual([second, first]);
    expect(await store().deliveries.dead({ ...query, namespace: 'other' })).toEqual([]);
    expect(await store().deliveries.countDead('guest')).toBe(3);
    expect(await store().deliveries.countDead('guest', 'other-rule')).toBe(1);
    const again = deliveryRow({ id: third ?? '', attempt: 2, dueAt: 9_000, createdAt: 8_000 });
    expect(await store().deliveries.update(again, { attempt: 1, state: 'waiting' })).toBe(false);
    expect(await store().deliveries.update(again, { attempt: 1, state: 'dead' })).toBe(true);
    expect(await store().deliveries.countDead('guest')).toBe(2);
    expect(await store().deliveries.due(9_000, 10)).toContainEqual(again);
  });

  test('a failed addition does not affect the others', async () => {
    const row = deliveryRow();
    const outcomes = await Promise.allSettled(
      [row, row, deliveryRow({ namespace: 'nobody' }), deliveryRow()].map((one) =>
        store().deliveries.add(one),
      ),
    );
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : true))).toEqual([
      true,
      'STORE_DUPLICATE',
      'STORE_NO_NAMESPACE',
      true,
    ]);
    expect(await store().deliveries.due(9_000, 10)).toHaveLength(2);
  });
}
