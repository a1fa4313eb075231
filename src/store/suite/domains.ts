/** Domains: claims side by side, of which one is proved. */
import { expect, test } from 'vitest';
import { type Context, domainRow, namespaceRow } from './context.ts';

const name = 'shop.example';

export function domainTests({ store, reopen }: Context): void {
  /** Claims of two namespaces to the same name. */
  const claims = async () => {
    await store().namespaces.create(namespaceRow('other'));
    const mine = domainRow(name);
    const theirs = domainRow(name, { namespace: 'other', target: { kind: 'api', basePath: '/v1' } });
    for (const row of [mine, theirs]) expect(await store().domains.put(row, 1)).toEqual(row);
    return { mine, theirs };
  };

  test('claims of several namespaces are stored side by side, and deleted with them', async () => {
    const { mine, theirs } = await claims();
    await reopen();
    const { domains } = store();
    expect(await domains.get('guest', name)).toEqual(mine);
    expect(await domains.list('other')).toEqual([theirs]);
    expect(await domains.owner(name)).toBeUndefined();
    expect(await domains.proved('', 10)).toEqual([]);
    expect(await domains.delete('guest', name)).toBe(true);
    expect(await domains.delete('guest', name)).toBe(false);
    expect(await domains.list('other')).toEqual([theirs]);
    await domains.prove(theirs, undefined, 7);
    await store().namespaces.delete('other');
    expect(await domains.owner(name)).toBeUndefined();
    await expect(domains.put(theirs, 1)).rejects.toMatchObject({ code: 'STORE_NO_NAMESPACE' });
  });

  test('one claim to a name is proved at a time, by the token that it has', async () => {
    const { mine, theirs } = await claims();
    const { domains } = store();
    const wins = await Promise.all([mine, theirs].map((row) => domains.prove(row, undefined, 7)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    const [winner, loser] = wins[0] ? [mine, theirs] : [theirs, mine];
    const owner = { ...winner, provedAt: 7 };
    expect(await domains.owner(name)).toEqual(owner);
    expect(await domains.proved('', 10)).toEqual([owner]);
    expect(await domains.proved(name, 10)).toEqual([]);
    expect(await domains.prove(loser, undefined, 8)).toBe(false);
    await domains.delete(loser.namespace, name);
    const anew = domainRow(name, { namespace: loser.namespace });
    await domains.put(anew, 1);
    expect(await domains.prove(loser, owner, 8)).toBe(false);
    // A loser that could not be replaced has lost nothing.
    expect(await domains.owner(name)).toEqual(owner);
    expect(await domains.prove(anew, owner, 8)).toBe(true);
    expect(await domains.owner(name)).toEqual({ ...anew, provedAt: 8 });
    expect(await domains.get(winner.namespace, name)).toEqual(winner);
  });

  test('a new target keeps the token and the proof, and a bound holds for many at once', async () => {
    const { domains } = store();
    const mine = domainRow(name);
    await domains.put(mine, 1);
    await domains.prove(mine, undefined, 7);
    const target = { kind: 'api', basePath: '/v2' } as const;
    const stored = { ...mine, target, provedAt: 7 };
    expect(await domains.put(domainRow(name, { target, createdAt: 2_000 }), 1)).toEqual(stored);
    expect(await domains.get('guest', name)).toEqual(stored);
    const rows = Array.from({ length: 8 }, (_, at) => domainRow(`${at}.example`));
    const all = await Promise.all(rows.map((row) => domains.put(row, 3)));
    expect(all.filter((row) => row !== undefined)).toHaveLength(2);
    expect(await domains.list('guest')).toHaveLength(3);
  });
}
