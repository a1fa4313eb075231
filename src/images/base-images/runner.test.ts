import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../images.fixture.ts';
import { installedRunnersDir, readRunner } from './runner.ts';

describe('a runner', () => {
  it('consists of every file in its folder except tests', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'lang');
    for (const name of ['lib', 'test', '__pycache__']) await mkdir(join(dir, name), { recursive: true });
    await writeFile(join(dir, 'entrypoint.json'), '{"argv":["/usr/bin/lang","/ward/run"]}');
    for (const name of [
      'run',
      'run.test.ts',
      'test_run.py',
      '.hidden',
      'lib/a',
      'test/b',
      '__pycache__/c.pyc',
    ]) {
      await writeFile(join(dir, name), name);
    }
    const runner = await readRunner(folder.path, 'lang');
    expect([...runner.files.keys()]).toEqual(['entrypoint.json', 'lib/a', 'run']);
    expect(runner.entrypoint).toEqual(['/usr/bin/lang', '/ward/run']);
    await writeFile(join(dir, 'lib/a'), 'changed');
    expect((await readRunner(folder.path, 'lang')).hash).not.toBe(runner.hash);
  });

  it('without an entry point is refused', async () => {
    await using folder = await temporaryFolder();
    await expect(readRunner(folder.path, 'none')).rejects.toMatchObject({ code: 'IMAGE_BUILD_FAILED' });
    await mkdir(join(folder.path, 'bad'));
    await writeFile(join(folder.path, 'bad', 'entrypoint.json'), '{"argv":[]}');
    await expect(readRunner(folder.path, 'bad')).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it.each(['native', 'nodejs', 'php', 'python', 'ruby'])('of %s has its start command', async (name) => {
    const { entrypoint, files } = await readRunner(installedRunnersDir, name);
    const program = entrypoint.find((part) => part.startsWith('/ward/'));
    expect(files.has(program?.slice('/ward/'.length) ?? '')).toBe(true);
  });
});
