import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCommand, startCommand } from '../../lib/index.ts';
import { isIsolated } from '../host/isolated.ts';

const program = join(import.meta.dirname, '../testing/isolated-program.ts');
const isRoot = process.geteuid?.() === 0;
// Without the marker, the test makes a nested isolation, whether or not the tests run in one.
const env = { ...process.env, WARD_MOUNT_NAMESPACE: undefined };

describe.skipIf(!isRoot)(`isolation${isRoot ? '' : ' (needs root)'}`, () => {
  const argv = (order: string) => [process.execPath, program, order];
  const startIt = (order: string): ChildProcess => startCommand(argv(order), { env, stdio: 'pipe' });

  test('passes stdin, stdout and the exit code through', async () => {
    const result = await runCommand(argv('echo'), { env, input: 'hello' });
    expect(result).toMatchObject({ stdout: 'hello', stderr: '', code: 7 });
  });

  test('has a pid namespace of its own', async () => {
    const { stdout } = await runCommand(argv('look'), { env });
    expect(Number(stdout)).toBeLessThan(10);
  });

  test('its mounts are private: none is visible outside', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-private-'));
    const { stdout } = await runCommand([...argv('mount'), folder], { env });
    expect(stdout).toBe('tmpfs, private');
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
    // This fails for a mount point, wherever it is visible.
    await rmdir(folder);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'forwards %s and keeps the exit code',
    async (signal) => {
      const child = startIt('signal');
      if (child.stdout) await once(child.stdout, 'data');
      child.kill(signal);
      expect(await once(child, 'close')).toEqual([9, null]);
    },
  );

  test('kill -9 from outside ends everything inside, including detached processes', async () => {
    const child = startIt('stay');
    if (child.stdout) await once(child.stdout, 'data');
    child.kill('SIGKILL');
    // `close` comes when no process has the pipe open any more.
    expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
  });

  test('the death of the program ends everything else inside', async () => {
    const child = startIt('die-with-child');
    child.stdout?.resume();
    child.stderr?.resume();
    expect(await once(child, 'close')).toEqual([137, null]);
  });

  test('needs root, and says so', async () => {
    const { stdout } = await runCommand(argv('as-nobody'), { env });
    expect(stdout).toBe('HOST_UNFIT');
  });

  test('a marker that names another mount namespace is not believed', () => {
    const before = process.env['WARD_MOUNT_NAMESPACE'];
    process.env['WARD_MOUNT_NAMESPACE'] = 'mnt:[1]';
    try {
      expect(isIsolated()).toBe(false);
    } finally {
      if (before === undefined) delete process.env['WARD_MOUNT_NAMESPACE'];
      else process.env['WARD_MOUNT_NAMESPACE'] = before;
    }
  });
});
