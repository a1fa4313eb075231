import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../../lib/index.ts';
import { smallestProgram } from './smallest-program.ts';

const native = arch();

test.skipIf(native !== 'x64' && native !== 'arm64')('it runs, and exits with 0', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ward-elf-'));
  try {
    const file = join(dir, 'exit');
    await writeFile(file, smallestProgram(native === 'x64' ? 'x64' : 'arm64'), { mode: 0o755 });
    expect(await runCommand([file])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  } finally {
    await rm(dir, { recursive: true });
  }
});
