import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lendFiles } from './files.ts';

test('files are lent once all needed ones exist', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-lend-'));
  const file = (name: string) => join(folder.path, name);
  const own = process.getuid?.() ?? 0;
  const lend = () => lendFiles([file('state'), file('shares')], [file('idle')], own);
  await writeFile(file('state'), '');
  // A runtime makes the groups of its controllers one after the other.
  expect(await lend()).toBe(false);
  await writeFile(file('shares'), '');
  expect(await lend()).toBe(true);
});
