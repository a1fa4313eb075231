/** Tokens that were exchanged. */
import { expect, test } from 'vitest';
import type { Context } from './context.ts';

const hourMs = 3_600_000;

export function spentTokenTests({ store, place }: Context): void {
  test('of many servers that get a token, one may use it', async () => {
    await using other = await place().open();
    const tries = Array.from({ length: 8 }, (_, at) =>
      (at % 2 === 0 ? store() : other).spentTokens.spend('t', hourMs),
    );
    expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
    expect(await store().spentTokens.spend('t', hourMs)).toBe(false);
    expect(await store().spentTokens.spend('another', hourMs)).toBe(true);
  });

  test('a token that has expired is forgotten', async () => {
    expect(await store().spentTokens.spend('t', 0)).toBe(true);
    expect(await store().spentTokens.spend('t', hourMs)).toBe(true);
    expect(await store().spentTokens.spend('t', hourMs)).toBe(false);
  });
}
