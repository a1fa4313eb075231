/** Nodes of the cluster: a token works once, and a name belongs to one key. */
import { expect, test } from 'vitest';
import { randomHex } from '../../lib/index.ts';
import type { Joining, JoinTokenInsert } from '../types/members.ts';
import type { Context } from './context.ts';

const hourMs = 3_600_000;

function tokenRow(more: Partial<JoinTokenInsert> = {}): JoinTokenInsert {
  return { key: randomHex(8), role: 'invoker', name: null, uses: 1, lifeMs: hourMs, ...more };
}

function joining(token: string, more: Partial<Joining> = {}): Joining {
  return { token, name: 'one', role: 'invoker', key: randomHex(8), lifeMs: hourMs, ...more };
}

export function memberTests({ store, place }: Context): void {
  const token = async (more: Partial<JoinTokenInsert> = {}): Promise<string> => {
    const row = tokenRow(more);
    await store().members.addToken(row);
    return row.key;
  };

  test('a token lets one node join, which may repeat it', async () => {
    const key = await token();
    const first = joining(key);
    const member = await store().members.join(first);
    expect(member).toMatchObject({ name: 'one', role: 'invoker', key: first.key, removedAt: null });
    const lifeMs = (member?.expiresAt ?? 0) - (member?.joinedAt ?? 0);
    expect(Math.round(lifeMs / 1000)).toBe(hourMs / 1000);
    expect(await store().members.join(first)).toMatchObject({ key: first.key });
    for (const other of [joining(key, { name: 'two' }), { ...first, name: 'two' }])
      expect(await store().members.join(other)).toBeUndefined();
    expect(await store().members.token(key)).toMatchObject({
      ...{ usedBy: first.key, name: 'one', isExpired: false },
    });
    expect(await store().members.openTokens()).toEqual([]);
    expect(await store().members.list()).toHaveLength(1);
  });

  test.each([1, 3])(
    'of many nodes that use a token for %i at the same time, so many join, on any server',
    async (uses) => {
      const key = await token({ uses });
      await using other = await place().open();
      const all = Array.from({ length: 8 }, (_, at) =>
        (at % 2 === 0 ? store() : other).members.join(joining(key, { name: `n${at}` })),
      );
      expect((await Promise.all(all)).filter((each) => each !== undefined)).toHaveLength(uses);
      expect(await store().members.list()).toHaveLength(uses);
      expect(await store().members.token(key)).toMatchObject({ uses, used: uses });
      expect(await store().members.openTokens()).toEqual([]);
    },
  );

  test('a node that repeats its request takes one use, and its removal revokes the token', async () => {
    const key = await token({ uses: 3 });
    const first = joining(key);
    for (let times = 0; times < 3; times++) expect(await store().members.join(first)).toBeDefined();
    expect(await store().members.join(joining(key, { name: 'two' }))).toBeDefined();
    expect(await store().members.openTokens()).toMatchObject([{ key, uses: 3, used: 2, name: null }]);
    expect(await store().members.remove('one')).toMatchObject([{ key, used: 2 }]);
    for (const next of [first, joining(key, { name: 'three' })])
      expect(await store().members.join(next)).toBeUndefined();
    expect(await store().members.get('two')).toMatchObject({ removedAt: null });
  });

  test('a name that is taken does not count as a use', async () => {
    await store().members.join(joining(await token()));
    const key = await token({ uses: 2 });
    await expect(store().members.join(joining(key))).rejects.toMatchObject({ code: 'STORE_DUPLICATE' });
    expect(await store().members.token(key)).toMatchObject({ used: 0 });
  });

  test('a revoked token lets no node join, and those that have joined stay', async () => {
    const key = await token({ uses: 2 });
    const first = joining(key);
    await store().members.join(first);
    expect(await store().members.revokeToken(key)).toBe(true);
    expect(await store().members.revokeToken(key)).toBe(false);
    expect(await store().members.join(joining(key, { name: 'two' }))).toBeUndefined();
    expect(await store().members.renew(first)).toMatchObject({ name: 'one' });
  });

  test.each([
    ['that is expired', { lifeMs: 0 }, {}],
    ['for another role', { role: 'api' }, {}],
    ['for another name', { name: 'two' }, {}],
    ['that does not exist', {}, { token: 'none' }],
  ])('a token %s lets no node join', async (_, given, asked) => {
    const key = await token(given);
    expect(await store().members.join(joining(key, asked))).toBeUndefined();
    expect(await store().members.list()).toEqual([]);
    expect(await store().members.token(key)).toMatchObject({ usedBy: null });
  });

  test('a name belongs to one key until its node is removed, and a refusal does not use the token', async () => {
    const first = joining(await token());
    await store().members.join(first);
    const second = joining(await token());
    await expect(store().members.join(second)).rejects.toMatchObject({ code: 'STORE_DUPLICATE' });
    expect(await store().members.token(second.token)).toMatchObject({ usedBy: null });
    expect(await store().members.join({ ...first, token: await token() })).toMatchObject({ key: first.key });
    expect(await store().members.remove('one')).toEqual([]);
    expect(await store().members.join(second)).toMatchObject({ key: second.key, removedAt: null });
  });

  test('a removed node is neither renewed nor let in with the token that it has used', async () => {
    const first = joining(await token());
    await store().members.join(first);
    expect(await store().members.renew({ ...first, lifeMs: 2 * hourMs })).toMatchObject({ name: 'one' });
    expect(await store().members.renew({ ...first, role: 'api' })).toBeUndefined();
    expect(await store().members.renew({ ...first, key: 'another' })).toBeUndefined();
    expect(await store().members.remove('one')).toEqual([]);
    expect(await store().members.remove('one')).toBeUndefined();
    expect(await store().members.renew(first)).toBeUndefined();
    expect(await store().members.join(first)).toBeUndefined();
    expect((await store().members.get('one'))?.removedAt).toBeTypeOf('number');
  });

  test('tokens are unique, expire by the clock of the database, and are forgotten a day later', async () => {
    const old = await token({ lifeMs: -25 * hourMs });
    const row = tokenRow();
    const expiresAt = await store().members.addToken(row);
    expect(Math.abs(expiresAt - (await store().members.now()) - hourMs)).toBeLessThan(30_000);
    await expect(store().members.addToken(row)).rejects.toMatchObject({ code: 'STORE_DUPLICATE' });
    expect(await store().members.openTokens()).toMatchObject([{ key: row.key, usedBy: null }]);
    expect(await store().members.token(old)).toBeUndefined();
  });
}
