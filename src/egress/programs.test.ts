import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { endOf } from './programs.ts';

test.each([
  ['exit 3', 'exit 3'],
  ['kill -9 $$', 'SIGKILL'],
])('a program that does `%s` has ended with %s', async (script, how) => {
  await expect(endOf(spawn('/bin/sh', ['-c', script]))).resolves.toBe(how);
});

test('a program that can’t start counts as ended, with the reason', async () => {
  await expect(endOf(spawn('/nothing/here'))).resolves.toContain('ENOENT');
});
