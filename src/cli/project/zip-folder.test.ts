import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entryNames } from '../zip-entries.ts';
import { zipFolder } from './zip-folder.ts';

let base = '';
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'ward-zip-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function write(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(base, path)), { recursive: true });
    await writeFile(join(base, path), path);
  }
}

async function namesOf(options: { include?: string[][]; exclude?: string[] } = {}): Promise<string[]> {
  const { include = [], exclude = [] } = options;
  return [
    ...(await entryNames(await zipFolder({ folder: join(base, 'app'), base, include, exclude }), 'zip')),
  ];
}

test('holds the folder’s content, sorted, the folder itself not', async () => {
  await write('app/index.js', 'app/lib/b.js', 'app/lib/a.js', 'app/.hidden');
  expect(await namesOf()).toEqual(['.hidden', 'index.js', 'lib/a.js', 'lib/b.js']);
});

test('is the same each time, whenever its files were written', async () => {
  await write('app/index.js', 'app/run.sh');
  await chmod(join(base, 'app/run.sh'), 0o755);
  const source = { folder: join(base, 'app'), base, include: [], exclude: [] };
  const first = await zipFolder(source);
  await utimes(join(base, 'app/index.js'), 1, 1);
  expect((await zipFolder(source)).equals(first)).toBe(true);
  await chmod(join(base, 'app/run.sh'), 0o644);
  expect((await zipFolder(source)).equals(first)).toBe(false);
});

test('leaves out what is excluded, named from the folder or from the manifest', async () => {
  await write('app/index.js', 'app/test/a.js', 'app/lib/x.md', 'app/lib/x.js');
  expect(await namesOf({ exclude: ['test', 'app/lib/*.md'] })).toEqual(['index.js', 'lib/x.js']);
  expect(await namesOf({ exclude: ['**/*.js'] })).toEqual(['lib/x.md']);
});

test('includes from elsewhere: as it is, under another name, into a folder, by pattern', async () => {
  await write('app/index.js', 'common/a.js', 'common/b.js', 'common/deep/c.js');
  expect(await namesOf({ include: [['common/a.js']] })).toEqual(['common/a.js', 'index.js']);
  expect(await namesOf({ include: [['common/a.js', './lib/x.js']] })).toEqual(['index.js', 'lib/x.js']);
  expect(await namesOf({ include: [['common/a.js', 'lib/']] })).toEqual(['index.js', 'lib/a.js']);
  expect(await namesOf({ include: [['common/*.js', 'lib']] })).toEqual(['index.js', 'lib/a.js', 'lib/b.js']);
  expect(await namesOf({ include: [['common', 'lib']] })).toEqual([
    ...['index.js', 'lib/a.js', 'lib/b.js', 'lib/deep/c.js'],
  ]);
});

test('follows links within the folder, and none out of it', async () => {
  await write('app/index.js', 'app/lib/a.js', 'secret');
  await symlink('lib', join(base, 'app/alias'));
  expect(await namesOf()).toEqual(['alias/a.js', 'index.js', 'lib/a.js']);
  await symlink('../secret', join(base, 'app/out'));
  await expect(namesOf()).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    message: expect.stringContaining('leads out'),
  });
});

test.each([
  ['a link in a circle', [], 'deep'],
  ['an include that finds nothing', [['none/*.js']], 'finds nothing'],
  ['an include that leads out of the action', [['app/index.js', '../../x']], 'outside the action'],
])('refuses %s', async (title, include, words) => {
  await write('app/index.js');
  if (title.includes('circle')) await symlink('.', join(base, 'app/loop'));
  await expect(namesOf({ include })).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    message: expect.stringContaining(words),
  });
});
