import { chmod, copyFile, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mustRun } from '../../lib/index.ts';
import { isIsolated } from '../host/isolated.ts';
import { sealProgram, unsealAll } from './sealed.ts';

const canTry = isIsolated();

describe.skipIf(!canTry)(`a sealed program${canTry ? '' : ' (needs Ward’s isolation)'}`, () => {
  test('runs, is read-only even for root, outlives its package, and leaves nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-sealed-'));
    const program = join(folder, 'program');
    const dir = join(folder, 'sealed');
    await copyFile('/usr/bin/true', program);
    await chmod(program, 0o755);
    const path = await sealProgram(program, dir, 'program');
    try {
      await mustRun([path]);
      // The control: root can write to the installed file.
      await (await open(program, 'r+')).close();
      await expect(open(path, 'r+')).rejects.toMatchObject({ code: 'EROFS' });
      await expect(chmod(path, 0o777)).rejects.toMatchObject({ code: 'EROFS' });
      await rm(program);
      expect(await readFile(path)).toEqual(await readFile('/usr/bin/true'));
      // Seal it again, as after a kill in these namespaces.
      await copyFile('/usr/bin/false', program);
      await sealProgram(program, dir, 'program');
      expect(await readFile(path)).toEqual(await readFile('/usr/bin/false'));
    } finally {
      await unsealAll(dir);
    }
    expect(await readdir(folder)).toEqual(['program']);
    await rm(folder, { recursive: true });
  });
});
