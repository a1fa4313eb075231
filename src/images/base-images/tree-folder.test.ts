import { lstat, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../images.fixture.ts';
import { newTree, type TreeEntry } from './tree.ts';
import { readTree, writeTree } from './tree-folder.ts';

function sample() {
  const tree = newTree();
  tree.add('usr/bin/run', { type: 'file', mode: 0o755, bytes: Buffer.from('run') });
  tree.add('etc/text', { type: 'file', mode: 0o644, bytes: Buffer.from('text') });
  tree.add('bin', { type: 'link', target: 'usr/bin' });
  tree.add('certificates', { type: 'link', target: '/etc/ssl' });
  return tree;
}

describe('a tree in a folder', () => {
  it('has its files, modes, links and date', async () => {
    await using folder = await temporaryFolder();
    await writeTree(folder.path, sample(), { epoch: 1_600_000_000 });
    const found = await stat(join(folder.path, 'bin/run'));
    expect([found.mode & 0o777, found.mtimeMs]).toEqual([0o755, 1_600_000_000_000]);
    expect(await readFile(join(folder.path, 'etc/text'), 'utf8')).toBe('text');
    expect(await readlink(join(folder.path, 'certificates'))).toBe('/etc/ssl');
  });

  it('replaces existing files and links', async () => {
    await using folder = await temporaryFolder();
    await writeTree(folder.path, sample());
    const other = newTree();
    other.add('bin', { type: 'link', target: 'other' });
    await writeTree(folder.path, other);
    expect(await readlink(join(folder.path, 'bin'))).toBe('other');
  });

  it('has no absolute links if they are turned off', async () => {
    await using folder = await temporaryFolder();
    await writeTree(folder.path, sample(), { absoluteLinks: false });
    expect(await readlink(join(folder.path, 'bin'))).toBe('usr/bin');
    await expect(lstat(join(folder.path, 'certificates'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is read back unchanged, below another folder, without excluded files', async () => {
    await using folder = await temporaryFolder();
    await writeTree(folder.path, sample());
    const tree = newTree();
    await readTree(tree, folder.path, 'opt', (path) => path !== 'opt/etc');
    const files = [...tree.entries].filter(([, entry]: [string, TreeEntry]) => entry.type !== 'folder');
    expect(Object.fromEntries(files)).toEqual({
      'opt/usr/bin/run': { type: 'file', mode: 0o755, bytes: Buffer.from('run') },
      'opt/bin': { type: 'link', target: 'usr/bin' },
      'opt/certificates': { type: 'link', target: '/etc/ssl' },
    });
  });
});
