/** Additional keys: found by their id, which is unique. */
import { expect, test } from 'vitest';
import { type Context, keyRow, namespaceRow } from './context.ts';

export function keyTests({ store, reopen }: Context): void {
  test('are found by id, listed oldest first, and survive a restart', async () => {
    const late = keyRow({ createdAt: 3_000, expiresAt: 9_000 });
    const early = keyRow({ createdAt: 2_000, scope: 'read' });
    await store().keys.create(late);
    await store().keys.create(early);
    await reopen();
    expect(await store().keys.byId(late.keyId)).toEqual(late);
    expect(await store().keys.list('guest')).toEqual([early, late]);
    expect(await store().keys.list('other')).toEqual([]);
    expect(await store().keys.byId('nothing')).toBeUndefined();
  });

  test('are deleted from their own namespace only', async () => {
    const row = keyRow();
    await store().keys.create(row);
    expect(await store().keys.delete('other', row.keyId)).toBe(false);
    expect(await store().keys.delete('guest', row.keyId)).toBe(true);
    expect(await store().keys.delete('guest', row.keyId)).toBe(false);
    expect(await store().keys.byId(row.keyId)).toBeUndefined();
  });

  test('no two keys or namespaces have the same id', async () => {
    const row = keyRow();
    const guest = await store().namespaces.byName('guest');
    if (guest === undefined) throw new Error('no namespace');
    await store().keys.create(row);
    const taken = { code: 'STORE_DUPLICATE' };
    await expect(store().keys.create(keyRow({ keyId: row.keyId }))).rejects.toMatchObject(taken);
    await expect(store().keys.create(keyRow({ keyId: guest.keyId }))).rejects.toMatchObject(taken);
    expect(await store().namespaces.create({ ...namespaceRow('two'), keyId: row.keyId })).toBe(false);
    const update = store().namespaces.update({ ...guest, keyId: row.keyId }, guest);
    await expect(update).rejects.toMatchObject(taken);
    expect(await store().namespaces.byName('two')).toBeUndefined();
    expect(await store().namespaces.byName('guest')).toEqual(guest);
    expect(await store().keys.list('guest')).toEqual([row]);
  });

  test('a key without a namespace is refused', async () => {
    const created = store().keys.create(keyRow({ namespace: 'nobody' }));
    await expect(created).rejects.toMatchObject({ code: 'STORE_NO_NAMESPACE' });
  });

  test('of a person’s logins end together, in all namespaces, and nobody else’s do', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const mine = [keyRow({ person: 'a' }), keyRow({ person: 'a', namespace: 'other' })];
    const others = [keyRow({ person: 'b' }), keyRow()];
    for (const row of [...mine, ...others]) await store().keys.create(row);
    expect(await store().keys.loggedOutAt('a')).toBeUndefined();
    expect(await store().keys.logOut('a', 'ada')).toBe(2);
    for (const { keyId } of mine) expect(await store().keys.byId(keyId)).toBeUndefined();
    for (const row of others) expect(await store().keys.byId(row.keyId)).toEqual(row);
    const at = await store().keys.loggedOutAt('a');
    expect(at).toBeGreaterThan(0);
    expect(await store().keys.logOut('a', 'ada')).toBe(0);
    expect(await store().keys.loggedOutAt('a')).toBeGreaterThanOrEqual(at ?? 0);
    expect(await store().keys.loggedOutAt('b')).toBeUndefined();
  });

  test('a logout ends logins that have just made a key, and else spares those of the last seconds', async () => {
    const endAfter = async (person: string, createdAt: number) => {
      await store().keys.create(keyRow({ person, createdAt }), { name: person, role: 'viewer' });
      const before = Date.now();
      await store().namespaceMembers.endLogins('guest', person);
      const here = (await store().namespaceMembers.endedAt('guest', person)) ?? 0;
      await store().keys.create(keyRow({ person, createdAt }));
      await store().keys.logOut(person, person);
      const ends = [here, (await store().keys.loggedOutAt(person)) ?? 0];
      return ends.map((at) => Math.round((at - before) / 10_000) * 10);
    };
    expect(await endAfter('old', Date.now() - 3_600_000)).toEqual([-30, -30]);
    expect(await endAfter('recent', Date.now() - 50_000)).toEqual([-20, -20]);
    expect(await endAfter('new', Date.now())).toEqual([0, 0]);
    // One without keys takes nothing back.
    const at = await store().keys.loggedOutAt('new');
    await store().keys.logOut('new', 'new');
    expect(await store().keys.loggedOutAt('new')).toBe(at);
  });
}
