/** What this Ward has with authorities of certificates: of several servers that write a row, the first wins. */
import { expect, test } from 'vitest';
import type { Context } from './context.ts';

export function acmeTests({ store, place }: Context): void {
  const row = (n: number, name = 'a.example') => ({ kind: 'certificate' as const, name, document: { n } });

  test('of many servers that write a row at once, one does', async () => {
    await using other = await place().open();
    const write = (expected: string | null) =>
      Promise.all([1, 2, 3, 4].map((n) => (n % 2 === 0 ? store() : other).acme.put(row(n), expected)));
    expect((await write(null)).filter(Boolean)).toHaveLength(1);
    const first = await store().acme.get('certificate', 'a.example');
    expect((await write(first?.revision ?? null)).filter(Boolean)).toHaveLength(1);
    const second = await other.acme.get('certificate', 'a.example');
    expect(second?.revision).not.toBe(first?.revision);
    expect(await store().acme.put(row(9), first?.revision ?? null)).toBe(false);
    expect(await store().acme.list('certificate')).toEqual([second]);
  });

  test('rows are listed by kind and name, and deleted', async () => {
    await store().acme.put(row(1, 'b.example'), null);
    await store().acme.put(row(2, 'a.example'), null);
    await store().acme.put({ kind: 'proof', name: 'a.example', document: {} }, null);
    expect((await store().acme.list('certificate')).map(({ name }) => name)).toEqual([
      'a.example',
      'b.example',
    ]);
    await store().acme.delete('certificate', 'a.example');
    expect(await store().acme.get('certificate', 'a.example')).toBeUndefined();
    expect(await store().acme.get('proof', 'a.example')).toMatchObject({ document: {} });
  });
}
