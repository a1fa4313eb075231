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

test('a sandbox that is needed again before its files are lent stays thawed', async () => {
  const { freeze, thaw, lend, done } = freezer();
  const both = [freeze(), thaw()];
  lend();
  await Promise.all(both);
  expect(done).not.toContain('freeze');
});

test('the last request counts', async () => {
  const { freeze, thaw, lend, done } = freezer();
  const all = [freeze(), thaw(), freeze()];
  lend();
  await Promise.all(all);
  expect(done.at(-1)).toBe('freeze');
  await thaw();
  expect(done.at(-1)).toBe('thaw');
});

test('a sandbox that is about to end is not frozen any more', async () => {
  const { freeze, release, lend, done } = freezer();
  const frozen = freeze();
  release();
  lend();
  await frozen;
  expect(done).toEqual([]);
});

test('a sandbox that was never frozen needs no files to be thawed', async () => {
  const { thaw, done } = freezer();
  await thaw();
  expect(done).toEqual([]);
});

test('a sandbox without files is neither frozen nor thawed', async () => {
  const { freeze, thaw, lend, done } = freezer();
  lend(false);
  await freeze();
  await thaw();
  expect(done).toEqual([]);
});

test('a refusal to lend files is reported', async () => {
  const { freeze, thaw, fail } = freezer();
  const frozen = freeze();
  fail(new Error('no'));
  await expect(frozen).rejects.toThrow('no');
  await expect(thaw()).rejects.toThrow('no');
});
