/** People who have logged in to a namespace: noted with the keys of their logins, which an admin ends. */
import { expect, test } from 'vitest';
import { type Context, keyRow, namespaceRow } from './context.ts';

const ada = { name: 'ada of https://login', role: 'admin' };

export function namespaceMemberTests({ store }: Context): void {
  test('a login notes its person, the last one first; other keys do not', async () => {
    await store().namespaces.create(namespaceRow('other'));
    await store().keys.create(keyRow({ person: 'a' }), ada);
    await store().keys.create(keyRow({ person: 'b' }), { name: 'bob', role: 'viewer' });
    await store().keys.create(keyRow({ maker: 'operator' }));
    const [first] = (await store().namespaceMembers.list('guest')).filter(({ person }) => person === 'a');
    expect(first).toEqual({
      ...{ ...ada, person: 'a', keys: 1 },
      ...{ firstLoginAt: expect.any(Number), lastLoginAt: first?.firstLoginAt },
    });
    while (Date.now() <= (first?.lastLoginAt ?? 0)) await new Promise(setImmediate);
    await store().keys.create(keyRow({ person: 'a' }), { name: 'ada', role: 'viewer' });
    const members = await store().namespaceMembers.list('guest');
    expect(members).toMatchObject([
      { person: 'a', name: 'ada', role: 'viewer', keys: 2, firstLoginAt: first?.firstLoginAt },
      { person: 'b', keys: 1 },
    ]);
    expect(members[0]?.lastLoginAt).toBeGreaterThan(first?.lastLoginAt ?? 0);
    expect(await store().namespaceMembers.list('other')).toEqual([]);
    await store().namespaces.delete('guest');
    await store().namespaces.create(namespaceRow('guest'));
    expect(await store().namespaceMembers.list('guest')).toEqual([]);
  });

  test('their logins end in one namespace only, and that they ended is remembered', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const mine = keyRow({ person: 'a' });
    await store().keys.create(mine, ada);
    const kept = [keyRow({ person: 'a', namespace: 'other' }), keyRow({ person: 'b' }), keyRow()];
    for (const row of kept) await store().keys.create(row, row.person === null ? undefined : ada);
    const { namespaceMembers, sessions } = store();
    const login = { person: 'a', name: 'ada', offer: null };
    const session = (keyId: string) => ({ tokenHash: keyId, kind: 'key', keyId, lifeMs: 60_000 }) as const;
    for (const { keyId } of [mine, ...kept]) await sessions.create({ ...session(keyId), login });
    expect(await namespaceMembers.endedAt('guest', 'a')).toBeUndefined();
    expect(await namespaceMembers.endLogins('guest', 'a')).toBe(1);
    expect(await store().keys.byId(mine.keyId)).toBeUndefined();
    expect(await sessions.use(mine.keyId, 'key', 60_000)).toBeUndefined();
    for (const { keyId } of kept) expect(await sessions.use(keyId, 'key', 60_000)).toBeDefined();
    for (const row of kept) expect(await store().keys.byId(row.keyId)).toEqual(row);
    const at = await namespaceMembers.endedAt('guest', 'a');
    expect(at).toBeGreaterThan(0);
    expect(await namespaceMembers.endedAt('other', 'a')).toBeUndefined();
    // A new login does not undo it.
    await store().keys.create(keyRow({ person: 'a' }), ada);
    expect(await namespaceMembers.endedAt('guest', 'a')).toBe(at);
    expect(await namespaceMembers.endLogins('guest', 'nobody')).toBeUndefined();
    const entries = (await store().unsealed.read(100)).map(({ entry }) => [entry['event'], entry['name']]);
    expect(entries).toContainEqual(['log-out-member', '/guest/ada of https://login']);
    expect(entries).toContainEqual(['delete-key', `/guest/${mine.keyId}`]);
  });
}
