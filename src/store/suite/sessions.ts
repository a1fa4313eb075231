/** Sessions of the console. */
import { expect, test } from 'vitest';
import type { Context } from './context.ts';

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
