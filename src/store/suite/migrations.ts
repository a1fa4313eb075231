import { expect, test } from 'vitest';
import type { Context } from './context.ts';

export function appliedMigrationTests({ store, reopen }: Context): void {
  test('are listed in their order, with the time of each', async () => {
    const before = await store().appliedMigrations();
    expect(before.length).toBeGreaterThan(20);
    for (const [index, { name, at }] of before.entries()) {
      expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, '0')}-[a-z-]+$`));
      expect(Date.now() - (at ?? 0)).toBeLessThan(600_000);
    }
    await reopen();
    expect(await store().appliedMigrations()).toEqual(before);
  });
}
