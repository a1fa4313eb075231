import { chmod, link, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mustRun } from '../../lib/index.ts';
import { temporaryFolder } from '../images.fixture.ts';
import { readFolder } from './folder-content.ts';
import { openSourceFile } from './folder-file.ts';
import { folderLimits } from './folder-limits.ts';

type Files = Readonly<Record<string, string>>;

/** A text that begins with `->` is a link. */
async function folderOf(files: Files) {
  const folder = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder.path, path);
    await mkdir(dirname(file), { recursive: true });
    if (text.startsWith('->')) await symlink(text.slice(2), file);
    else await writeFile(file, text);
  }
  return folder;
}

async function pathsOf(files: Files): Promise<string[]> {
  await using folder = await folderOf(files);
  return (await readFolder(folder.path)).entries.map(({ path }) => path);
}

async function leftOutOf(files: Files): Promise<Record<string, string>> {
  await using folder = await folderOf(files);
  const { leftOut } = await readFolder(folder.path);
  return Object.fromEntries(leftOut.map(({ path, reason }) => [path, reason]));
}

async function refusalOf(files: Files): Promise<unknown> {
  await using folder = await folderOf(files);
  return await readFolder(folder.path).catch((error: unknown) => error);
}

describe('the content of an image', () => {
  it('is sorted, folders first, each with its kind', async () => {
    await using folder = await folderOf({ 'b/c.js': 'x', 'a.js': 'xy', 'b.js': '', 'l.js': '->b/c.js' });
    await chmod(join(folder.path, 'a.js'), 0o4755);
    await mkdir(join(folder.path, 'empty'));
    const { entries } = await readFolder(folder.path);
    expect(entries).toEqual([
      { type: 'file', path: 'a.js', sizeBytes: 2, mode: 0o755 },
      { type: 'folder', path: 'b' },
      { type: 'file', path: 'b.js', sizeBytes: 0, mode: 0o644 },
      { type: 'file', path: 'b/c.js', sizeBytes: 1, mode: 0o644 },
      { type: 'folder', path: 'empty' },
      { type: 'link', path: 'l.js', target: 'b/c.js' },
    ]);
  });

  it('obeys the ignore file, and prefers Ward’s to Docker’s', async () => {
    const files = { a: '', b: '', 'd/e': '', 'd/f': '' };
    expect(await pathsOf({ ...files, '.dockerignore': 'a\n' })).toEqual(['b', 'd', 'd/e', 'd/f']);
    expect(await pathsOf({ ...files, '.dockerignore': 'a\n', '.wardignore': 'd\n!d/f' })).toEqual([
      'a',
      'b',
      'd/f',
    ]);
  });

  it('omits secrets, caches and programs for other machines', async () => {
    const key = '-----BEGIN RSA PRIVATE KEY-----\nMII';
    const certificate = '-----BEGIN CERTIFICATE-----\nMII';
    const files = {
      ...{
        '.env': '',
        '.env.local': '',
        '.env.example': '',
        '.git/config': '',
        'a/.npmrc': '',
        'a/id_rsa': '',
      },
      ...{ 'key.pem': key, 'ca.pem': certificate, 'store.p12': '', 'lib/__pycache__/a.pyc': '' },
      ...{ 'virtualenv/pyvenv.cfg': '', 'virtualenv/bin/python': '->/usr/bin/python3', 'bin/tool': '' },
    };
    expect(await leftOutOf(files)).toEqual({
      ...{ '.env': 'secret', '.env.local': 'secret', '.git': 'secret', 'a/.npmrc': 'secret' },
      ...{ 'a/id_rsa': 'secret', 'key.pem': 'secret', 'store.p12': 'secret' },
      ...{ 'lib/__pycache__': 'cache', 'virtualenv/bin': 'foreign' },
    });
    expect(await pathsOf(files)).toEqual([
      ...['.env.example', 'a', 'bin', 'bin/tool', 'ca.pem', 'lib', 'virtualenv', 'virtualenv/pyvenv.cfg'],
    ]);
  });

  it('has a secret file if the ignore file includes it', async () => {
    expect(await pathsOf({ '.env': '', '.wardignore': '!.env' })).toEqual(['.env']);
  });

  it('omits files of the build itself', async () => {
    await using folder = await folderOf({ a: '', 'out/b': '' });
    const { entries } = await readFolder(folder.path, { without: [join(folder.path, 'out')] });
    expect(entries.map(({ path }) => path)).toEqual(['a']);
  });

  it.each([
    ['a', '->/etc/passwd'],
    ['a', '->../outside'],
    ['a/b', '->../../outside'],
    ['a', '->b/../../outside'],
    ['a', `->${'x/'.repeat(100)}${'../'.repeat(101)}etc`],
  ])('refuses a link that leads out of the folder: %s %s', async (path, target) => {
    expect(await refusalOf({ [path]: target })).toMatchObject({
      code: 'BUILD_FOLDER_INVALID',
      message: expect.stringContaining('points outside of the folder'),
    });
  });

  it('refuses a link that leads out through another link', async () => {
    // Read as text, `deep/up/../x` stays inside.
    expect(await refusalOf({ 'deep/up': '->..', a: '->deep/up/../x' })).toMatchObject({
      message: expect.stringContaining('the link "a" points outside of the folder'),
    });
    expect(await refusalOf({ a: '->b', b: '->a' })).toMatchObject({
      message: expect.stringContaining('is circular'),
    });
  });

  it('keeps links that stay inside', async () => {
    const files = { 'a/b/c': '', 'a/l': '->../a/b/./c', d: '->a/b', e: '->d/../b/c', gone: '->nowhere/x' };
    expect(await pathsOf(files)).toEqual(['a', 'a/b', 'a/b/c', 'a/l', 'd', 'e', 'gone']);
  });

  it.each(['pipe', 'device', 'socket'])('refuses a %s', async (kind) => {
    await using folder = await folderOf({});
    const path = join(folder.path, 'thing');
    if (kind === 'socket') {
      const server = createServer();
      await new Promise<void>((done) => server.listen(path, done));
      await expect(readFolder(folder.path)).rejects.toThrow('"thing" is not a file, folder or link');
      await new Promise((done) => server.close(done));
      return;
    }
    if (kind === 'device' && process.getuid?.() !== 0) return;
    await mustRun(kind === 'pipe' ? ['mkfifo', path] : ['mknod', path, 'c', '1', '5']);
    await expect(readFolder(folder.path)).rejects.toThrow('"thing" is not a file, folder or link');
  });

  it('refuses a pipe in place of a key or the ignore file', async () => {
    await using folder = await folderOf({});
    await mkdir(join(folder.path, 'a'));
    await mustRun(['mkfifo', join(folder.path, 'a', 'x.pem')]);
    await expect(readFolder(folder.path)).rejects.toThrow('"a/x.pem" is not a file');
    await rm(join(folder.path, 'a'), { recursive: true });
    await mustRun(['mkfifo', join(folder.path, '.wardignore')]);
    await expect(readFolder(folder.path)).rejects.toThrow('.wardignore is not a regular file');
  });

  it.each([
    ['.wh.a', 'reserved in image layers'],
    ['.wh..wh..opq', 'reserved in image layers'],
    ['a\nb', 'a control character'],
    [`${'long/'.repeat(20)}${`${'n'.repeat(200)}/`.repeat(10)}x`, 'a path that is too long'],
  ])('refuses a file called %j', async (path, why) => {
    expect(await refusalOf({ [path]: '' })).toMatchObject({ message: expect.stringContaining(why) });
  });

  it('refuses a name that is not UTF-8', async () => {
    await using folder = await folderOf({});
    await writeFile(Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from([0xff])]), '');
    await expect(readFolder(folder.path)).rejects.toThrow('not UTF-8');
  });

  it('is refused without reading it when it is too large', async () => {
    await using folder = await folderOf({ a: '', b: '', 'c/d/e': '' });
    const limits = { ...folderLimits, maxEntries: 4 };
    await expect(readFolder(folder.path, { limits })).rejects.toMatchObject({
      code: 'BUILD_FOLDER_TOO_LARGE',
    });
    await expect(
      readFolder(folder.path, { limits: { ...folderLimits, maxPathDepth: 2 } }),
    ).rejects.toMatchObject({ code: 'BUILD_FOLDER_TOO_LARGE' });
    await truncate(join(folder.path, 'a'), folderLimits.maxEntryBytes + 1);
    await expect(readFolder(folder.path)).rejects.toThrow('more than 1 GiB');
    for (const name of ['a', 'b', 'f']) {
      await writeFile(join(folder.path, name), '');
      await truncate(join(folder.path, name), folderLimits.maxEntryBytes);
    }
    await expect(readFolder(folder.path)).rejects.toThrow('it is larger than 2 GiB');
  });

  it('is refused when the folder does not exist', async () => {
    await using folder = await folderOf({ a: '' });
    for (const name of ['a', 'b'])
      await expect(readFolder(join(folder.path, name))).rejects.toThrow('does not exist');
  });
});

describe('a file of the folder', () => {
  it('is refused when it was replaced before the read', async () => {
    await using folder = await folderOf({ 'a/b': 'text', c: 'text' });
    const root = folder.path;
    const open = async (path: string, sizeBytes = 4) => {
      const file = await openSourceFile(root, { path, sizeBytes });
      await file.close();
    };
    await open('a/b');
    await expect(open('a/b', 3)).rejects.toThrow('"a/b" was changed while it was read');
    await rename(join(root, 'a'), join(root, 'moved'));
    await symlink('moved', join(root, 'a'));
    await expect(open('a/b')).rejects.toThrow('was changed');
    await symlink('c', join(root, 'l'));
    await expect(open('l')).rejects.toThrow('can’t be read'.replace('’', "'"));
    await link(join(root, 'c'), join(root, 'hard'));
    await open('hard');
  });
});
