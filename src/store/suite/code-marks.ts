/** Marks of code: servers agree on what is removed, in every order of their steps. */
import { expect, test } from 'vitest';
import type { Context } from './context.ts';

const dayMs = 86_400_000;
const now = { graceMs: 0, takeOverMs: dayMs };

export function codeMarkTests({ store, place }: Context): void {
  test('touched code stays for the grace period, and keeps its stamp', async () => {
    const { codeMarks } = store();
    const stamp = await codeMarks.touch('d');
    expect(stamp).toMatch(/^[0-9a-f]{32}$/);
    expect(await codeMarks.touch('d')).toBe(stamp);
    expect(await codeMarks.beginRemoval('d', { ...now, graceMs: dayMs })).toBeUndefined();
    expect(await codeMarks.isKept('d', stamp ?? '')).toBe(true);
    expect(await codeMarks.isKept('other', stamp ?? '')).toBe(false);
  });

  test('code that is being removed can’t be touched, and has another stamp afterwards', async () => {
    const { codeMarks } = store();
    const stamp = (await codeMarks.touch('d')) ?? '';
    const removal = (await codeMarks.beginRemoval('d', now)) ?? '';
    expect(await codeMarks.touch('d')).toBeUndefined();
    expect(await codeMarks.isKept('d', stamp)).toBe(false);
    await codeMarks.endRemoval('d', 'not this one');
    expect(await codeMarks.touch('d')).toBeUndefined();
    await codeMarks.endRemoval('d', removal);
    const later = await codeMarks.touch('d');
    expect(later).not.toBe(stamp);
    expect(await codeMarks.isKept('d', stamp)).toBe(false);
  });

  test('a removal that is given up leaves the code as it was', async () => {
    const { codeMarks } = store();
    const stamp = (await codeMarks.touch('d')) ?? '';
    const removal = (await codeMarks.beginRemoval('d', now)) ?? '';
    await codeMarks.giveUpRemoval('d', removal);
    expect(await codeMarks.isKept('d', stamp)).toBe(true);
    expect(await codeMarks.touch('d')).toBe(stamp);
  });

  test('one of many servers removes code, also code without a mark', async () => {
    await using other = await place().open();
    const all = Array.from({ length: 8 }, (_, at) =>
      (at % 2 === 0 ? store() : other).codeMarks.beginRemoval('d', now),
    );
    const removals = (await Promise.all(all)).filter((removal) => removal !== undefined);
    expect(removals).toHaveLength(1);
  });

  test('a removal whose server has died is taken over', async () => {
    const { codeMarks } = store();
    const first = (await codeMarks.beginRemoval('d', now)) ?? '';
    expect(await codeMarks.beginRemoval('d', now)).toBeUndefined();
    const second = await codeMarks.beginRemoval('d', { graceMs: 0, takeOverMs: 0 });
    expect(second).toBeDefined();
    await codeMarks.endRemoval('d', first);
    expect(await codeMarks.touch('d')).toBeUndefined();
    await codeMarks.endRemoval('d', second ?? '');
    expect(await codeMarks.touch('d')).toBeDefined();
  });
}
