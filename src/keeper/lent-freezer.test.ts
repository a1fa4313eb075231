import { expect, test } from 'vitest';
import { openLentFreezer } from './lent-freezer.ts';

function freezer() {
  const lent = Promise.withResolvers<boolean>();
  const done: string[] = [];
  const cgroup = {
    freeze: async () => void done.push('freeze'),
    thaw: async () => void done.push('thaw'),
  };
  const lend = (isLent = true) => lent.resolve(isLent);
  return { ...openLentFreezer(() => lent.promise, cgroup), lend, fail: lent.reject, done };
}

test('what is wanted again before its files were lent stays thawed', async () => {
  const { freeze, thaw, lend, done } = freezer();
  const both = [freeze(), thaw()];
  lend();
  await Promise.all(both);
  expect(done).not.toContain('freeze');
});

test('whatever was wished last holds', async () => {
  const { freeze, thaw, lend, done } = freezer();
  const all = [freeze(), thaw(), freeze()];
  lend();
  await Promise.all(all);
  expect(done.at(-1)).toBe('freeze');
  await thaw();
  expect(done.at(-1)).toBe('thaw');
});

test('what is about to end is not frozen any more', async () => {
  const { freeze, release, lend, done } = freezer();
  const frozen = freeze();
  release();
  lend();
  await frozen;
  expect(done).toEqual([]);
});

test('what was never frozen needs no files to be thawed', async () => {
  const { thaw, done } = freezer();
  await thaw();
  expect(done).toEqual([]);
});

test('what has no files yet is neither frozen nor thawed', async () => {
  const { freeze, thaw, lend, done } = freezer();
  lend(false);
  await freeze();
  await thaw();
  expect(done).toEqual([]);
});

test('files that are not lent are told', async () => {
  const { freeze, thaw, fail } = freezer();
  const frozen = freeze();
  fail(new Error('no'));
  await expect(frozen).rejects.toThrow('no');
  await expect(thaw()).rejects.toThrow('no');
});
