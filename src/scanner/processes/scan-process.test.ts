import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mustRun, runCommand, startCommand } from '../../lib/index.ts';
import { temporaryFolder } from '../scanner.fixture.ts';

const program = fileURLToPath(new URL('compile-cache.fixture.ts', import.meta.url));

it('compiled code is cached for the next process, by one that reads no untrusted files', async () => {
  await using folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  // The tests have a cache of their own.
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const run = () =>
    mustRun([process.execPath, program, join(folder.path, 'cache')], { env, timeoutMs: 60_000 });
  expect(Number(await run())).toBeGreaterThan(50);
  const changedAt = async () => {
    const names = await readdir(join(folder.path, 'cache-scan'), { recursive: true });
    return Promise.all(
      names.map(async (name) => (await stat(join(folder.path, 'cache-scan', name))).mtimeMs),
    );
  };
  const before = await changedAt();
  await run();
  expect(await changedAt()).toEqual(before);
});

it('a busy process ends with the process that started it, however that ends', async () => {
  const busy = fileURLToPath(new URL('busy.fixture.ts', import.meta.url));
  const child = startCommand([process.execPath, busy], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no stdout');
  const [pid] = await once(createInterface({ input: child.stdout }), 'line');
  // Waits until it receives nothing more.
  const before = ticksOf(pid);
  while (ticksOf(pid) < before + 20) await new Promise(setImmediate);
  child.kill('SIGKILL');
  while (existsSync(`/proc/${pid}`)) await new Promise(setImmediate);
});

it('a caller that waits for nothing else learns that a process ended at its start', async () => {
  const failing = fileURLToPath(new URL('failing.fixture.ts', import.meta.url));
  const { code, stdout } = await runCommand([process.execPath, failing], { timeoutMs: 60_000 });
  expect(stdout).toMatch(/^SCAN_FAILED the scan process ended \(1\): .*not-there/);
  expect(code).toBe(0);
});

/** Processor time in hundredths of a second. */
function ticksOf(pid: string): number {
  const [user = '', system = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13);
  return Number(user) + Number(system);
}
