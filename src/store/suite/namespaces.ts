/** Namespaces, and what is deleted with them. */
import { expect, test } from 'vitest';
import type { NamespaceRow } from '../types/namespaces.ts';
import type { Store } from '../types/store.ts';
import {
  accept,
  activationRow,
  apiRow,
  type Context,
  deliveryRow,
  entityRow,
  feedRow,
  keyRow,
  namespaceRow,
  write,
} from './context.ts';

export function namespaceTests({ store, reopen }: Context): void {
  test('are found by name and by key, and survive a restart', async () => {
    const row = namespaceRow('team-ü');
    expect(await store().namespaces.create(row)).toBe(true);
    await reopen();
    expect(await store().namespaces.byName('team-ü')).toEqual(row);
    expect(await store().namespaces.byKeyId(row.keyId)).toEqual(row);
    expect(await store().namespaces.byName('nobody')).toBeUndefined();
    expect((await store().namespaces.list()).map((one) => one.name)).toEqual(['guest', 'team-ü']);
  });

  test('no two have the same name or key', async () => {
    const row = namespaceRow('one');
    expect(await store().namespaces.create(row)).toBe(true);
    expect(await store().namespaces.create({ ...namespaceRow('two'), keyId: row.keyId })).toBe(false);
    expect(await store().namespaces.create(namespaceRow('one'))).toBe(false);
    expect(await store().namespaces.byName('one')).toEqual(row);
  });

  test('their holdings and last use are listed in pages', async () => {
    for (const name of ['a', 'z']) await store().namespaces.create(namespaceRow(name));
    await store().entities.put(entityRow('one', { codeDigest: 'x' }), null);
    await store().entities.put(entityRow('two', { codeDigest: 'x' }), null);
    await store().entities.put(entityRow('pack', { collection: 'packages' }), null);
    const document = { text: 'x'.repeat(1000) };
    for (const start of [5, 9, 7])
      await store().activations.append(write(activationRow({ start, document })));
    const usage = () => store().namespaces.usage({ skip: 0, limit: 9 });
    const empty = {
      ...{ actions: 0, entityBytes: 0, codeBytes: 0, records: 0, recordBytes: 0 },
      lastUsedAt: null,
    };
    const [, guest] = await usage();
    expect(await usage()).toEqual([{ ...empty, name: 'a' }, guest, { ...empty, name: 'z' }]);
    expect(guest).toMatchObject({ name: 'guest', actions: 2, records: 3, lastUsedAt: 9 });
    expect(guest?.recordBytes).toBe(3 * (1024 + JSON.stringify(document).length));
    while ((await store().activations.prune({ namespace: 'guest', keep: 0, max: 2 })) > 0);
    expect((await usage())[1]).toMatchObject({ records: 0, recordBytes: 0, lastUsedAt: 9 });
    await store().activations.append(write(activationRow({ start: 8 })));
    expect((await usage())[1]).toMatchObject({ records: 1, lastUsedAt: 9 });
    const page = await store().namespaces.usage({ skip: 1, limit: 1 });
    expect([page.map(({ name }) => name), await store().namespaces.count()]).toEqual([['guest'], 3]);
  });

  test('an update changes key and limits, but only of an existing one', async () => {
    const row = { ...namespaceRow('guest'), limits: { concurrent: 9 } };
    expect(await store().namespaces.update(row, await guestOf(store()))).toBe(true);
    expect(await store().namespaces.byKeyId(row.keyId)).toEqual(row);
    const nobody = namespaceRow('nobody');
    expect(await store().namespaces.update(nobody, nobody)).toBe(false);
  });

  test('an update brings no replaced key back, and no key of a deleted namespace', async () => {
    const { namespaces } = store();
    const read = await guestOf(store());
    const { keyId, keyHash } = namespaceRow('guest');
    const rotated = { ...read, keyId, keyHash };
    expect(await namespaces.update(rotated, read)).toBe(true);
    expect(await namespaces.update({ ...read, limits: { concurrent: 9 } }, read)).toBe(false);
    expect(await guestOf(store())).toEqual(rotated);
    const again = { ...rotated, createdAt: rotated.createdAt + 1 };
    await namespaces.delete('guest');
    await namespaces.create(again);
    expect(await namespaces.update({ ...rotated, limits: { concurrent: 9 } }, rotated)).toBe(false);
    expect(await guestOf(store())).toEqual(again);
  });

  test('settings change only if no one else has changed them, and no update puts older ones back', async () => {
    const { namespaces } = store();
    const old = await guestOf(store());
    expect(await namespaces.putSettings('guest', { days: 7 }, namespaceRow('guest').settings)).toBe(true);
    expect(await namespaces.putSettings('guest', { days: 8 }, namespaceRow('guest').settings)).toBe(false);
    expect(await namespaces.putSettings('nobody', { days: 8 }, {})).toBe(false);
    expect(await namespaces.update({ ...old, limits: {} }, old)).toBe(true);
    expect((await namespaces.byName('guest'))?.settings).toEqual({ days: 7 });
  });

  test('deleting one deletes all its content, and nothing else', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const kept = activationRow({ namespace: 'other' });
    const gone = activationRow();
    await store().entities.put(entityRow('a'), null);
    await store().entities.put(entityRow('a', { namespace: 'other' }), null);
    await accept(store(), 'guest');
    const acceptedId = await accept(store(), 'other');
    const appends = [
      store().activations.append(write(gone, { logs: ['x'] })),
      store().activations.append(write(kept, { logs: ['y'] })),
    ];
    expect(await store().namespaces.delete('guest')).toBe(true);
    await Promise.all(appends);
    expect(await store().namespaces.delete('guest')).toBe(false);
    await store().namespaces.create(namespaceRow('guest'));
    expect(await store().entities.get('guest', 'a')).toBeUndefined();
    expect(await store().activations.count({ namespace: 'guest' })).toBe(0);
    expect(await store().activations.logs('guest', gone.activationId)).toBeUndefined();
    expect(await store().entities.get('other', 'a')).toBeDefined();
    expect(await store().activations.logs('other', kept.activationId)).toEqual(['y']);
    expect((await store().accepted.pending(10)).map((row) => row.activationId)).toEqual([acceptedId]);
  });

  test('deleting one deletes its keys, feeds, deliveries and APIs', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const key = keyRow();
    const delivery = deliveryRow();
    const input = write(activationRow(), { inputJson: '1' });
    await store().keys.create(key);
    await store().keys.create(keyRow({ namespace: 'other' }));
    await store().feeds.put(feedRow('t', { token: 'secret', dueAt: 1 }), null);
    await store().feeds.put(feedRow('t', { namespace: 'other', dueAt: 2 }), null);
    await store().deliveries.add(delivery);
    await store().deliveries.add(deliveryRow({ state: 'dead' }));
    await store().deliveries.add(deliveryRow({ namespace: 'other', dueAt: 3 }));
    await store().apis.put(apiRow('/a'), null);
    await store().apis.put(apiRow('/a', { namespace: 'other' }), null);
    await store().activations.append(input);
    await store().namespaces.delete('guest');
    await store().namespaces.create(namespaceRow('guest'));
    expect(await store().keys.byId(key.keyId)).toBeUndefined();
    expect(await store().keys.list('other')).toHaveLength(1);
    expect(await store().feeds.byToken('secret')).toBeUndefined();
    expect((await store().feeds.due(9, 9)).map((row) => row.namespace)).toEqual(['other']);
    expect(await store().deliveries.get('guest', delivery.id)).toBeUndefined();
    expect(await store().deliveries.countDead('guest')).toBe(0);
    expect((await store().deliveries.due(9, 9)).map((row) => row.namespace)).toEqual(['other']);
    expect(await store().apis.list('guest')).toEqual([]);
    expect(await store().apis.list('other')).toHaveLength(1);
    expect(await store().activations.input('guest', input.row.activationId)).toBeUndefined();
    await store().activations.append(input);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(1);
  });

  test('one with thousands of activations is deleted completely', async () => {
    const rows = Array.from({ length: 2_500 }, () => activationRow());
    await Promise.all(rows.map((row) => store().activations.append(write(row))));
    expect(await store().namespaces.delete('guest')).toBe(true);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(0);
  });
}

async function guestOf({ namespaces }: Pick<Store, 'namespaces'>): Promise<NamespaceRow> {
  const row = await namespaces.byName('guest');
  if (row === undefined) throw new Error('no namespace');
  return row;
}
