/** Sessions of the console. */
import { expect, test } from 'vitest';
import type { NewSessionRow } from '../types/sessions.ts';
import { type Context, keyRow } from './context.ts';

const hourMs = 3_600_000;

export function sessionTests({ store, place }: Context): void {
  const key = { tokenHash: 'a', kind: 'key', keyId: 'k', lifeMs: hourMs } as const;

  test('a session is used by other servers, too, until it is ended', async () => {
    await using other = await place().open();
    await store().sessions.create(key);
    const used = await other.sessions.use('a', 'key', hourMs);
    expect(used).toMatchObject({ kind: 'key', keyId: 'k' });
    expect(used?.leftMs).toBeGreaterThan(hourMs - 60_000);
    expect(used?.leftMs).toBeLessThanOrEqual(hourMs);
    expect(await other.sessions.end('a', 'key')).toMatchObject({ keyId: 'k', login: undefined });
    expect(await store().sessions.use('a', 'key', hourMs)).toBeUndefined();
    expect(await store().sessions.end('a', 'key')).toBeUndefined();
  });

  test('a token of one kind is no token of another', async () => {
    await store().sessions.create(key);
    expect(await store().sessions.use('a', 'operator', hourMs)).toBeUndefined();
    expect(await store().sessions.end('a', 'login')).toBeUndefined();
    expect(await store().sessions.use('other', 'key', hourMs)).toBeUndefined();
  });

  test('a session ends with its time, and when it was idle', async () => {
    const { sessions } = store();
    await sessions.create({ ...key, lifeMs: 0 });
    expect(await sessions.use('a', 'key', hourMs)).toBeUndefined();
    expect(await sessions.end('a', 'key')).toBeUndefined();
    // The first was deleted, so its name is free.
    await sessions.create(key);
    expect(await sessions.use('a', 'key', -1)).toBeUndefined();
    expect(await sessions.use('a', 'key', hourMs)).toBeDefined();
  });

  test.each<[owner: string, own: Partial<NewSessionRow>]>([
    ['a key', {}],
    ['a person, with a key for each login', { login: { person: 'p', name: 'ada', offer: null } }],
    ['operators', { kind: 'operator', keyId: null }],
  ])('beyond 50 sessions of %s, its own oldest end', async (_, own) => {
    const { sessions } = store();
    const others = [
      { ...key, tokenHash: 'other', keyId: 'other' },
      { ...key, tokenHash: 'bob', login: { person: 'q', name: 'bob', offer: null } },
      { ...key, tokenHash: 'l', kind: 'login', keyId: null },
    ] as const;
    for (const other of others) await sessions.create(other);
    const login = (tokenHash: string): NewSessionRow => {
      const row = { ...key, tokenHash, ...own };
      return row.login === undefined ? row : { ...row, keyId: tokenHash };
    };
    // The last by its name, too, if all begin in one millisecond.
    const all = ['zz', ...Array.from({ length: 50 }, (_, at) => `s${at}`)].map(login);
    for (const row of all) await sessions.create(row);
    const used = await Promise.all(all.map((row) => sessions.use(row.tokenHash, row.kind, hourMs)));
    expect(used.map((session) => session !== undefined)).toEqual([false, ...all.slice(1).map(() => true)]);
    for (const { tokenHash, kind } of others)
      expect(await sessions.use(tokenHash, kind, hourMs)).toBeDefined();
  });

  test('sessions of a key end with it', async () => {
    const { sessions, keys } = store();
    const row = keyRow();
    await keys.create(row);
    for (const keyId of [row.keyId, 'other'])
      await sessions.create({ ...key, tokenHash: `of ${keyId}`, keyId });
    await keys.delete('guest', row.keyId);
    expect(await sessions.use(`of ${row.keyId}`, 'key', hourMs)).toBeUndefined();
    expect(await sessions.use('of other', 'key', hourMs)).toBeDefined();
  });

  test('of many servers that take a login, one gets it', async () => {
    await using other = await place().open();
    await store().sessions.create({ tokenHash: 'l', kind: 'login', keyId: null, lifeMs: hourMs });
    const taken = await Promise.all(
      Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? store() : other).sessions.end('l', 'login')),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  test('a logout everywhere ends the sessions of a person, and of nobody else', async () => {
    const { sessions, keys } = store();
    const login = (person: string, offer: string | null = null) => ({ person, name: 'ada', offer });
    const operator = { kind: 'operator', keyId: null, lifeMs: hourMs } as const;
    await sessions.create({ ...operator, tokenHash: 'o', login: login('p') });
    await sessions.create({ ...operator, tokenHash: 'c', kind: 'choice', login: login('p', '{}') });
    await sessions.create({ ...operator, tokenHash: 'q', login: login('q') });
    await sessions.create({ ...operator, tokenHash: 'n' });
    expect(await sessions.use('c', 'choice', hourMs)).toMatchObject({ login: login('p', '{}') });
    await keys.logOut('p', 'ada');
    expect(await sessions.use('o', 'operator', hourMs)).toBeUndefined();
    expect(await sessions.use('c', 'choice', hourMs)).toBeUndefined();
    expect(await sessions.use('q', 'operator', hourMs)).toMatchObject({ login: login('q') });
    expect(await sessions.use('n', 'operator', hourMs)).toMatchObject({ login: undefined });
  });
}
