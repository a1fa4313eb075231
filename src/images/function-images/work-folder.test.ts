import { chown, mkdir, mkdtemp, readdir, rm, symlink, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openWorkFolder } from './work-folder.ts';

const isRoot = process.geteuid?.() === 0;

test.skipIf(!isRoot)('an abandoned work folder is removed, but not a folder of another user', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'ward-work-'));
  const long = new Date(Date.now() - 7 * 3_600_000);
  for (const name of ['.tmp-work-own', '.tmp-work-foreign', '.tmp-work-new', 'other'])
    await mkdir(join(parent, name));
  await chown(join(parent, '.tmp-work-foreign'), 64123, 64123);
  await symlink(join(parent, 'other'), join(parent, '.tmp-work-link'));
  for (const name of ['.tmp-work-own', '.tmp-work-foreign', 'other'])
    await utimes(join(parent, name), long, long);
  {
    await using work = await openWorkFolder(parent);
    const names = (await readdir(parent)).filter((name) => join(parent, name) !== work.path);
    expect(names.toSorted()).toEqual(['.tmp-work-foreign', '.tmp-work-link', '.tmp-work-new', 'other']);
  }
  expect(await readdir(parent)).toHaveLength(4);
  await rm(parent, { recursive: true });
});
