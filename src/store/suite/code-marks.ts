/** Marks of code: servers agree on what is removed, in every order of their steps. */
import { expect, test } from 'vitest';
import type { Context } from './context.ts';

const dayMs = 86_400_000;
const now = { graceMs: 0, lateMs: dayMs };

export function codeMarkTests({ store, place }: Context): void {
  test('touched code stays for the grace period, and keeps its stamp', async () => {
    const { codeMarks } = store();
    const stamp = await codeMarks.touch('d', dayMs);
    expect(stamp).toMatch(/^[0-9a-f]{32}$/);
    expect(await codeMarks.touch('d', dayMs)).toBe(stamp);
    expect(await codeMarks.beginRemoval('d', { ...now, graceMs: dayMs })).toBeUndefined();
    expect(await codeMarks.isKept('d', stamp ?? '')).toBe(true);
    expect(await codeMarks.isKept('other', stamp ?? '')).toBe(false);
  });

  test('code that is being removed can’t be touched, and has another stamp afterwards', async () => {
    const { codeMarks } = store();
    const stamp = (await codeMarks.touch('d', dayMs)) ?? '';
    const removal = (await codeMarks.beginRemoval('d', now)) ?? '';
    expect(await codeMarks.touch('d', dayMs)).toBeUndefined();
    expect(await codeMarks.isKept('d', stamp)).toBe(false);
    await codeMarks.endRemoval('d', 'not this one');
    expect(await codeMarks.touch('d', dayMs)).toBeUndefined();
    await codeMarks.endRemoval('d', removal);
    const later = await codeMarks.touch('d', dayMs);
    expect(later).not.toBe(stamp);
    expect(await codeMarks.isKept('d', stamp)).toBe(false);
  });

  test('a removal that is given up leaves the code as it was', async () => {
    const { codeMarks } = store();
    const stamp = (await codeMarks.touch('d', dayMs)) ?? '';
    const removal = (await codeMarks.beginRemoval('d', now)) ?? '';
    await codeMarks.giveUpRemoval('d', removal);
    expect(await codeMarks.isKept('d', stamp)).toBe(true);
    expect(await codeMarks.touch('d', dayMs)).toBe(stamp);
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
    const second = await codeMarks.beginRemoval('d', { graceMs: 0, lateMs: 0 });
    expect(second).toBeDefined();
    await codeMarks.endRemoval('d', first);
    expect(await codeMarks.touch('d', dayMs)).toBeUndefined();
    await codeMarks.endRemoval('d', second ?? '');
    expect(await codeMarks.touch('d', dayMs)).toBeDefined();
  });

  test('a removal that is over keeps nobody from storing the code, which has another stamp then', async () => {
    const { codeMarks } = store();
    const stamp = (await codeMarks.touch('d', dayMs)) ?? '';
    const removal = (await codeMarks.beginRemoval('d', now)) ?? '';
    const later = (await codeMarks.touch('d', 0)) ?? '';
    expect(later).toMatch(/^[0-9a-f]{32}$/);
    expect(await codeMarks.isKept('d', later)).toBe(true);
    expect(await codeMarks.isKept('d', stamp)).toBe(false);
    // The server that began it goes on.
    await codeMarks.giveUpRemoval('d', removal);
    await codeMarks.endRemoval('d', removal);
    expect(await codeMarks.touch('d', dayMs)).toBe(later);
  });

  test('a removal that was taken over and given up leaves the code with another stamp', async () => {
    const { codeMarks } = store();
    const stamp = (await codeMarks.touch('d', dayMs)) ?? '';
    await codeMarks.beginRemoval('d', now);
    const second = (await codeMarks.beginRemoval('d', { graceMs: 0, lateMs: 0 })) ?? '';
    await codeMarks.giveUpRemoval('d', second);
    expect(await codeMarks.isKept('d', stamp)).toBe(false);
    expect(await codeMarks.touch('d', dayMs)).not.toBe(stamp);
  });
}
