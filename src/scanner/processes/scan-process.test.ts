import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mustRun } from '../../lib/index.ts';
import { temporaryFolder } from '../scanner.fixture.ts';

const program = fileURLToPath(new URL('compile-cache.fixture.ts', import.meta.url));

it('a process reads what was compiled before, and keeps what it compiles for the next', async () => {
  await using folder = await temporaryFolder();
  // The tests have a cache of their own.
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  await expect(mustRun([process.execPath, program, folder.path], { env, timeoutMs: 20_000 })).resolves.toBe(
    '',
  );
});
