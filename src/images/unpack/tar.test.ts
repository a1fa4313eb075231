import { lstat, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFault, runCommand } from '../../lib/index.ts';
import {
  listTree,
  streamOf,
  type TarEntry,
  tarOf,
  temporaryFolder,
  usualDevices,
} from '../images.fixture.ts';
import type { LayerLimits } from '../layer/layer-limits.ts';
import { unpackTar } from './tar.ts';

const limits: LayerLimits = {
  maxEntries: 1000,
  maxTotalBytes: 3_000_000,
  maxNameBytes: 100_000,
};

/** Unpacks into `<folder>/root`; a hostile entry could write beside it. */
async function unpacked(archive: Buffer, folder: string, some: Partial<LayerLimits> = {}): Promise<string> {
  const root = join(folder, 'root');
  await mkdir(root, { recursive: true });
  await unpackTar(streamOf(archive), root, { ...limits, ...some });
  return root;
}

describe('a layer', () => {
  it('is unpacked like the archive, with plain modes and without its owners', async () => {
    await using folder = await temporaryFolder();
    const root = await unpacked(
      await tarOf([
        { name: './', type: 'directory' },
        { name: 'bin/', type: 'directory', mode: 0o700, uid: 7 },
        { name: 'bin/run', mode: 0o6755, uid: 1000, content: '#!' },
        { name: './etc/secret', mode: 0o600, mtime: new Date(86_400_000), content: 'readable' },
        { name: 'bin/again', type: 'link', linkname: 'bin/run' },
        { name: 'out', type: 'symlink', linkname: '/etc/passwd' },
        { name: 'loop', type: 'symlink', linkname: '../loop' },
      ]),
      folder.path,
    );
    expect(await listTree(root)).toEqual({
      bin: 'folder',
      'bin/again': '#!',
      'bin/run': '#!',
      etc: 'folder',
      'etc/secret': 'readable',
      loop: '-> ../loop',
      out: '-> /etc/passwd',
    });
    const modeOf = async (name: string) => (await stat(join(root, name))).mode & 0o7777;
    expect([await modeOf('bin'), await modeOf('bin/run'), await modeOf('etc/secret')]).toEqual([
      0o755, 0o755, 0o644,
    ]);
    expect((await stat(join(root, 'bin/run'))).uid).toBe(process.getuid?.());
    expect((await stat(join(root, 'bin/again'))).nlink).toBe(2);
    expect((await stat(join(root, 'etc/secret'))).mtimeMs).toBe(86_400_000);
  });

  it('lets a later entry replace a file or link, never a folder', async () => {
    await using folder = await temporaryFolder();
    const root = await unpacked(
      await tarOf([
        { name: 'a', content: 'old' },
        { name: 'a', content: 'new' },
        { name: 'l', type: 'symlink', linkname: '/tmp' },
        { name: 'l', type: 'directory' },
        { name: 'l/inside', content: 'ok' },
        { name: 'l/', type: 'directory' },
      ]),
      folder.path,
    );
    expect(await listTree(root)).toEqual({ a: 'new', l: 'folder', 'l/inside': 'ok' });
  });

  it('turns whiteouts into overlayfs whiteouts', async () => {
    await using folder = await temporaryFolder();
    const root = await unpacked(
      await tarOf([
        { name: 'dir/.wh.gone', content: '' },
        { name: 'dir/.wh.back', content: '' },
        { name: 'dir/back', content: 'here again' },
        { name: 'fresh/.wh..wh..opq', content: '' },
        { name: 'fresh/only', content: 'mine' },
        { name: '.wh.anew', content: '' },
        { name: 'anew/only', content: 'mine' },
        { name: '.wh..wh.plnk/12.34', type: 'directory' },
        { name: '.wh..wh.aufs', content: '' },
      ]),
      folder.path,
    );
    expect(await listTree(root)).toMatchObject({
      dir: 'folder',
      'dir/back': 'here again',
      'dir/gone': 'device 0',
      fresh: 'folder',
      'fresh/only': 'mine',
    });
    // GNU tar is the only program on every Debian that shows the attribute.
    const shown = await runCommand(['tar', '-c', '--xattrs', '--xattrs-include=*', '-C', root, '.']);
    expect(shown.stdout.split('SCHILY.xattr.user.overlay.opaque=y')).toHaveLength(3);
  });
});

describe('the usual devices of /dev', () => {
  it('are skipped', async () => {
    await using folder = await temporaryFolder();
    const root = await unpacked(
      await tarOf([...usualDevices, { name: 'dev/core', type: 'symlink', linkname: '/proc/kcore' }]),
      folder.path,
    );
    expect(await listTree(root)).toEqual({ dev: 'folder', 'dev/core': '-> /proc/kcore' });
  });
});

describe('a hostile layer', () => {
  const cases: readonly [string, readonly TarEntry[], string | undefined][] = [
    ['climbs out', [{ name: '../evil', content: 'x' }], '../evil'],
    ['climbs out in the middle', [{ name: 'a/../../evil', content: 'x' }], 'a/../../evil'],
    ['is absolute', [{ name: '/evil', content: 'x' }], '/evil'],
    [
      'writes through a link',
      [
        { name: 'l', type: 'symlink', linkname: '..' },
        { name: 'l/evil', content: 'x' },
      ],
      'l/evil',
    ],
    [
      'writes through an absolute link',
      [
        { name: 'd/l', type: 'symlink', linkname: '/tmp' },
        { name: 'd/l/evil', content: 'x' },
      ],
      'd/l',
    ],
    [
      'makes a folder through a link',
      [
        { name: 'l', type: 'symlink', linkname: '..' },
        { name: 'l/evil/', type: 'directory' },
      ],
      'l/evil',
    ],
    [
      'puts a whiteout through a link',
      [
        { name: 'l', type: 'symlink', linkname: '..' },
        { name: 'l/.wh.evil', content: '' },
      ],
      'l/.wh.evil',
    ],
    [
      'puts a link in place of a whiteout',
      [
        { name: 'l/.wh.evil', content: '' },
        { name: 'l', type: 'symlink', linkname: '..' },
      ],
      '"l"',
    ],
    ['has a hard link to the outside', [{ name: 'h', type: 'link', linkname: '../outside' }], '"h"'],
    ['has a hard link to an absolute path', [{ name: 'h', type: 'link', linkname: '/etc/passwd' }], '"h"'],
    [
      'has a hard link through a link',
      [
        { name: 'l', type: 'symlink', linkname: '..' },
        { name: 'h', type: 'link', linkname: 'l/outside' },
      ],
      '"h"',
    ],
    [
      'has a hard link to a link',
      [
        { name: 'l', type: 'symlink', linkname: '../outside' },
        { name: 'h', type: 'link', linkname: 'l' },
      ],
      '"h"',
    ],
    ['has a hard link to nothing', [{ name: 'h', type: 'link', linkname: 'nothing' }], '"h"'],
    ['has a block device', [{ name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 }], '"sda"'],
    [
      'has a character device',
      [{ name: 'mem', type: 'character-device', devmajor: 1, devminor: 1 }],
      '"mem"',
    ],
    [
      'has a whiteout of overlayfs',
      [{ name: 'w', type: 'character-device', devmajor: 0, devminor: 0 }],
      '"w"',
    ],
    ['has a pipe', [{ name: 'p', type: 'fifo' }], '"p"'],
    ['has a line feed in a name', [{ name: 'a\nb', content: 'x' }], 'a\\nb'],
    ['has an escape in a name', [{ name: 'a\u001b[2Jb', content: 'x' }], 'a\\u001b'],
    ['has a name too long', [{ name: 'n'.repeat(256), content: 'x' }], 'nnn'],
    [
      'puts a file over a folder',
      [
        { name: 'd/a', content: 'x' },
        { name: 'd', content: 'x' },
      ],
      '"d"',
    ],
    [
      'puts a link over a folder',
      [
        { name: 'd/a', content: 'x' },
        { name: 'd', type: 'symlink', linkname: '/' },
      ],
      '"d"',
    ],
    [
      'puts a file below a file',
      [
        { name: 'f', content: 'x' },
        { name: 'f/a', content: 'x' },
      ],
      'f/a',
    ],
    [
      'replaces the target of a hard link',
      [
        { name: 'a', content: 'old' },
        { name: 'h', type: 'link', linkname: 'a' },
        { name: 'a', content: 'new' },
      ],
      '"a"',
    ],
    [
      'has a hard link to itself',
      [
        { name: 'a', content: 'x' },
        { name: 'a', type: 'link', linkname: 'a' },
      ],
      '"a"',
    ],
    ['is nested too deep', [{ name: `${'a/'.repeat(100)}b`, content: 'x' }], 'deeper than 100'],
    ['hides all layers below', [{ name: '.wh..wh..opq', content: '' }], '.wh..wh..opq'],
    ['deletes its parent', [{ name: 'd/.wh...', content: '' }], '.wh...'],
    ['deletes its folder', [{ name: 'd/.wh..', content: '' }], '.wh..'],
    ['has a file in place of the root', [{ name: '.', content: 'x' }], 'root'],
  ];

  it.each(cases)(
    'that %s is refused, by name, and changes nothing outside',
    async (_what, entries, named) => {
      await using folder = await temporaryFolder();
      await writeFile(join(folder.path, 'outside'), 'untouched');
      const failure = await unpacked(await tarOf(entries), folder.path).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'ARCHIVE_UNSAFE' });
      expect(failure).toHaveProperty('message', expect.stringContaining(named ?? ''));
      expect(await readdir(folder.path)).toEqual(['outside', 'root']);
      expect((await lstat(join(folder.path, 'outside'))).nlink).toBe(1);
    },
  );

  it('with a sparse file is refused', async () => {
    await using folder = await temporaryFolder();
    const archive = await tarOf([{ name: 's', content: 'x', pax: { 'GNU.sparse.major': '1' } }]);
    await expect(unpacked(archive, folder.path)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  it('whose name is not UTF-8 is refused', async () => {
    await using folder = await temporaryFolder();
    const archive = await tarOf([{ name: 'caf_', content: 'x' }]);
    archive[3] = 0xe9;
    fixChecksum(archive);
    await expect(unpacked(archive, folder.path)).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
  });

  it('with a link to nowhere is refused', async () => {
    await using folder = await temporaryFolder();
    const archive = await tarOf([{ name: 's', type: 'symlink', linkname: 'x' }]);
    archive[157] = 0;
    fixChecksum(archive);
    await expect(unpacked(archive, folder.path)).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
  });

  it('with an unknown type is refused', async () => {
    await using folder = await temporaryFolder();
    const archive = await tarOf([{ name: 'x', content: 'x' }]);
    archive[156] = 'S'.charCodeAt(0);
    fixChecksum(archive);
    await expect(unpacked(archive, folder.path)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  const tooLarge: readonly [string, readonly TarEntry[], Partial<LayerLimits>][] = [
    ['entries', Array.from({ length: 11 }, (_, at) => ({ name: `f${at}`, content: '' })), { maxEntries: 10 }],
    [
      'bytes in total',
      Array.from({ length: 3 }, (_, at) => ({ name: `f${at}`, content: Buffer.alloc(400) })),
      { maxTotalBytes: 1000 },
    ],
    ['bytes in names', [{ name: 'a/b/c/d', content: 'x' }], { maxNameBytes: 6 }],
    ['folders in its names', [{ name: 'a/b/c/d', content: 'x' }], { maxEntries: 2 }],
    ['folders in its whiteouts', [{ name: 'a/b/c/.wh.d', content: '' }], { maxEntries: 2 }],
  ];

  it.each(tooLarge)('with too many %s is refused', async (_what, entries, some) => {
    await using folder = await temporaryFolder();
    const work = unpacked(await tarOf(entries), folder.path, some);
    await expect(work).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE', kind: 'too-large' });
  });

  it('may have as many folders in its names as entries', async () => {
    await using folder = await temporaryFolder();
    const entries = ['a/b/c/d', 'a/b/c/e'].map((name) => ({ name, content: 'x' }));
    const root = await unpacked(await tarOf(entries), folder.path, { maxEntries: 3 });
    expect(Object.keys(await listTree(root))).toEqual(['a', 'a/b', 'a/b/c', 'a/b/c/d', 'a/b/c/e']);
  });

  it('that declares too many bytes is refused before it is written', async () => {
    await using folder = await temporaryFolder();
    const archive = (await tarOf([{ name: 'huge', content: 'x' }])).subarray(0, 1024);
    archive.write('77777777777\0', 124, 'latin1');
    fixChecksum(archive);
    await expect(unpacked(archive, folder.path)).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
    expect(await readdir(join(folder.path, 'root'))).toEqual([]);
  });

  it('of 100,000 entries stops at the limit', async () => {
    await using folder = await temporaryFolder();
    const one = (await tarOf([{ name: 'd', type: 'directory' }])).subarray(0, 512);
    const archive = Buffer.concat(Array.from({ length: 100_000 }, () => one));
    await expect(unpacked(archive, folder.path)).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
  });
});

describe('a damaged layer', () => {
  it.each([100, 512, 700, 1023, 1500])('cut at byte %i is refused', async (length) => {
    await using folder = await temporaryFolder();
    const whole = await tarOf([{ name: 'a', content: Buffer.alloc(1000) }]);
    const work = unpacked(whole.subarray(0, length), folder.path);
    await expect(work).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  it('with a size that is not a number is refused at once', async () => {
    await using folder = await temporaryFolder();
    const archive = await tarOf([{ name: 'a', content: 'x' }]);
    archive[124] = 0x93;
    fixChecksum(archive);
    await expect(unpacked(archive, folder.path)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  it('always unpacks below its root or fails with a fault', async () => {
    await using folder = await temporaryFolder();
    const whole = await tarOf([
      { name: 'dir/', type: 'directory' },
      { name: 'dir/file', content: 'content' },
      { name: 'link', type: 'symlink', linkname: 'dir' },
      { name: 'hard', type: 'link', linkname: 'dir/file' },
      { name: `long/${'n'.repeat(150)}`, content: 'pax', pax: { comment: 'c' } },
    ]);
    let run = 0;
    const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (changes, mend) => {
          const archive = Buffer.from(whole);
          for (const { at, to } of changes) archive[at] = to;
          if (mend) for (const { at } of changes) fixChecksum(archive.subarray(at - (at % 512)));
          const place = join(folder.path, String(run++));
          const failure = await unpacked(archive, place).catch((error: unknown) => error);
          expect(typeof failure === 'string' || isFault(failure)).toBe(true);
          expect(await readdir(place)).toEqual(['root']);
        },
      ),
      { numRuns: 150 },
    );
    expect(await readdir(folder.path)).toHaveLength(run);
  });
});

/** Corrects the checksum of the header at the start of `archive`. */
function fixChecksum(archive: Buffer): void {
  archive.fill(' ', 148, 156);
  const sum = archive.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
