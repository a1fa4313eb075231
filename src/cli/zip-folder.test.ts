import { chmod, mkdir, mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entryNames } from './zip-entries.ts';
import { type FolderSource, zipFolder } from './zip-folder.ts';

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

const zipped = (options: Omit<FolderSource, 'folder'> = {}) =>
  zipFolder({ folder: join(base, 'app'), base, ...options });
const namesIn = async (bytes: Buffer) => [...(await entryNames(bytes, 'zip'))];
const namesOf = async (options: Omit<FolderSource, 'folder'> = {}) => namesIn((await zipped(options)).bytes);

test('contains the folder’s content, sorted, without the folder itself', async () => {
  await write('app/index.js', 'app/lib/b.js', 'app/lib/a.js', 'app/.hidden');
  expect(await namesOf()).toEqual(['.hidden', 'index.js', 'lib/a.js', 'lib/b.js']);
});

test('is the same each time, whenever its files were written', async () => {
  await write('app/index.js', 'app/run.sh');
  await chmod(join(base, 'app/run.sh'), 0o755);
  const { bytes: first } = await zipped();
  await utimes(join(base, 'app/index.js'), 1, 1);
  expect((await zipped()).bytes.equals(first)).toBe(true);
  await chmod(join(base, 'app/run.sh'), 0o644);
  expect((await zipped()).bytes.equals(first)).toBe(false);
});

test('omits ignored files, likely secrets, and files that belong to this machine', async () => {
  await write('app/index.js', 'app/.env', 'app/.git/HEAD', 'app/__pycache__/a.pyc', 'app/test/a.js');
  await write('app/docs/a.md', 'app/docs/keep.md');
  await writeFile(join(base, 'app/.wardignore'), '# mine\ntest\ndocs\n!docs/keep.md\n');
  const { bytes, leftOut } = await zipped();
  expect(await namesIn(bytes)).toEqual(['docs/keep.md', 'index.js']);
  expect(
    leftOut.filter(({ reason }) => reason !== 'build').map(({ path, reason }) => [path, reason]),
  ).toEqual([
    ['.env', 'secret'],
    ['.git', 'secret'],
    ['__pycache__', 'cache'],
    ['docs', 'ignored'],
    ['docs/a.md', 'ignored'],
    ['test', 'ignored'],
    ['test/a.js', 'ignored'],
  ]);
  await writeFile(join(base, 'app/.wardignore'), '!.env\n');
  expect(await namesOf()).toContain('.env');
});

test('omits excluded files, named relative to the folder or to the manifest', async () => {
  await write('app/index.js', 'app/test/a.js', 'app/lib/x.md', 'app/lib/x.js');
  expect(await namesOf({ exclude: ['test', 'app/lib/*.md'] })).toEqual(['index.js', 'lib/x.js']);
  expect(await namesOf({ exclude: ['**/*.js'] })).toEqual(['lib/x.md']);
});

test('includes files from elsewhere: unchanged, renamed, into a folder, or by pattern', async () => {
  await write('app/index.js', 'common/a.js', 'common/b.js', 'common/deep/c.js');
  expect(await namesOf({ include: [['common/a.js']] })).toEqual(['common/a.js', 'index.js']);
  expect(await namesOf({ include: [['common/a.js', './lib/x.js']] })).toEqual(['index.js', 'lib/x.js']);
  expect(await namesOf({ include: [['common/a.js', 'lib/']] })).toEqual(['index.js', 'lib/a.js']);
  expect(await namesOf({ include: [['common/*.js', 'lib']] })).toEqual(['index.js', 'lib/a.js', 'lib/b.js']);
  expect(await namesOf({ include: [['common', 'lib']] })).toEqual([
    ...['index.js', 'lib/a.js', 'lib/b.js', 'lib/deep/c.js'],
  ]);
});

test('stores the target of a link in the folder under the link’s name', async () => {
  await write('app/index.js', 'app/lib/a.js', 'app/lib/deep/b.js');
  await symlink('lib', join(base, 'app/alias'));
  await symlink('../index.js', join(base, 'app/lib/main.js'));
  expect(await namesOf()).toEqual([
    ...['alias/a.js', 'alias/deep/b.js', 'alias/main.js', 'index.js'],
    ...['lib/a.js', 'lib/deep/b.js', 'lib/main.js'],
  ]);
});

test('contains the packages of a virtualenv once, but not its programs', async () => {
  await write(
    'app/__main__.py',
    'app/virtualenv/pyvenv.cfg',
    'app/virtualenv/lib/python3.13/site-packages/a.py',
  );
  await write('app/virtualenv/bin/activate');
  await symlink('lib', join(base, 'app/virtualenv/lib64'));
  await symlink('/usr/bin/python3', join(base, 'app/virtualenv/bin/python'));
  expect(await namesOf()).toEqual([
    ...['__main__.py', 'virtualenv/lib/python3.13/site-packages/a.py', 'virtualenv/pyvenv.cfg'],
  ]);
});

test.each([
  ['a link out of the folder', 'lib/out', '../../secret', 'points outside'],
  ['a link to an omitted file', 'settings', '.env', 'a file that is left out'],
  ['a link to nothing', 'gone', 'none', 'a file that is left out'],
  ['a link in a circle', 'loop', '.', 'circular'],
  ['a link to a folder above', 'lib/up', '../lib', 'circular'],
])('refuses %s', async (_title, path, target, words) => {
  await write('app/index.js', 'app/lib/a.js', 'app/.env', 'secret');
  await symlink(target, join(base, 'app', path));
  await expect(namesOf()).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    message: expect.stringContaining(words),
  });
});

test('refuses links that lead to more and more files', async () => {
  await write('app/d0/a.js');
  for (let at = 1; at < 20; at++) {
    await mkdir(join(base, `app/d${at}`));
    for (const name of ['x', 'y']) await symlink(`../d${at - 1}`, join(base, `app/d${at}/${name}`));
  }
  await expect(namesOf()).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
});

test('refuses more bytes than an action can have, and says where they are', async () => {
  await write('app/index.js', 'app/assets/a.bin');
  await truncate(join(base, 'app/assets/a.bin'), 300 * 1024 * 1024);
  await expect(namesOf()).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    hint: expect.stringMatching(/\.wardignore.*assets/),
  });
});

test.each([
  ['an include that matches nothing', [['none/*.js']], 'matches nothing'],
  ['an include that leads out of the action', [['app/index.js', '../../x']], 'outside the action'],
])('refuses %s', async (_title, include, words) => {
  await write('app/index.js');
  await expect(namesOf({ include })).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    message: expect.stringContaining(words),
  });
});

test('refuses an empty folder', async () => {
  await mkdir(join(base, 'app'));
  await expect(namesOf()).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
});
