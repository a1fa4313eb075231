import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { isFault } from '../../lib/index.ts';
import { listTree, temporaryFolder } from '../images.fixture.ts';
import type { ArchiveLimits } from '../types.ts';
import { inspectZip, unpackZip } from './zip.ts';

const limits: ArchiveLimits = {
  maxEntries: 100,
  maxTotalBytes: 2_000_000,
  maxEntryBytes: 1_000_000,
  maxPathDepth: 10,
};

interface RawEntry {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  /** Unix mode with its type. */
  readonly mode?: number;
  readonly flags?: number;
  readonly method?: number;
  readonly sum?: number;
  /** The content's length in the headers. */
  readonly size?: number;
}

/** Writes it byte by byte, since no library writes hostile archives. APPNOTE.TXT 4.3. */
function zipOf(entries: readonly RawEntry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content ?? '');
    const data = (entry.method ?? 8) === 8 ? deflateRawSync(content) : content;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(entry.flags ?? 0x800, 2);
    common.writeUInt16LE(entry.method ?? 8, 4);
    common.writeUInt32LE(entry.sum ?? crc32(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(entry.size ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, name, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\u0001\u0002'), Buffer.from([20, 3]), common, tail, name);
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

const ordinary = zipOf([
  { name: 'package.json', content: '{"main":"index.js"}' },
  { name: 'lib/', mode: 0o040700 },
  { name: 'lib/a.js', content: 'a'.repeat(1000), mode: 0o100600 },
  { name: 'bin/tool', content: '#!', mode: 0o106755 },
  { name: 'stored.txt', content: 'as it is', method: 0 },
  { name: 'grüße', content: 'utf-8' },
]);

describe('a zip of code', () => {
  it('is summarised from its directory', async () => {
    expect(await inspectZip(ordinary, limits)).toEqual({
      entries: 6,
      totalBytes: 1034,
      files: ['package.json', 'lib/a.js', 'bin/tool', 'stored.txt', 'grüße'],
    });
  });

  it('is unpacked with plain modes', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'code');
    await unpackZip(ordinary, dir, limits);
    expect(await listTree(dir)).toEqual({
      bin: 'folder',
      'bin/tool': '#!',
      grüße: 'utf-8',
      lib: 'folder',
      'lib/a.js': 'a'.repeat(1000),
      'package.json': '{"main":"index.js"}',
      'stored.txt': 'as it is',
    });
    const modes = await Promise.all(['', 'lib', 'lib/a.js', 'bin/tool'].map((name) => stat(join(dir, name))));
    expect(modes.map(({ mode }) => mode & 0o7777)).toEqual([0o755, 0o755, 0o644, 0o755]);
    expect(await readdir(folder.path)).toEqual(['code']);
  });

  it('that yazl made is read, including streamed entries', async () => {
    await using folder = await temporaryFolder();
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from('exports.main = 1'), 'index.js', { compress: true });
    zip.addBuffer(Buffer.from(''), 'empty.txt');
    zip.addEmptyDirectory('node_modules');
    zip.end();
    const dir = join(folder.path, 'code');
    await unpackZip(await buffer(zip.outputStream), dir, limits);
    expect(await listTree(dir)).toEqual({
      'empty.txt': '',
      'index.js': 'exports.main = 1',
      node_modules: 'folder',
    });
  });

  it('of large files is unpacked and checked, too', async () => {
    await using folder = await temporaryFolder();
    const content = Buffer.alloc(300_000, 'large ');
    const large = [0, 8].map((method) => ({ name: `m${method}`, content, method, mode: 0o100755 }));
    await unpackZip(zipOf(large), join(folder.path, 'code'), limits);
    for (const name of ['m0', 'm8']) {
      expect(content.equals(await readFile(join(folder.path, 'code', name)))).toBe(true);
      expect((await stat(join(folder.path, 'code', name))).mode & 0o777).toBe(0o755);
    }
    const damaged = zipOf(large.map((entry) => ({ ...entry, sum: 7 })));
    await expect(unpackZip(damaged, join(folder.path, 'other'), limits)).rejects.toThrow('checksum');
  });

  it('fills an existing empty folder without replacing it', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'code');
    await mkdir(dir);
    const before = (await stat(dir)).ino;
    await unpackZip(zipOf([{ name: 'a/b', content: 'c' }]), dir, limits);
    expect((await stat(dir)).ino).toBe(before);
    expect(await readFile(join(dir, 'a/b'), 'utf8')).toBe('c');
  });

  it('is not unpacked over other content, or through a link', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'full'));
    await writeFile(join(folder.path, 'full/x'), 'mine');
    await expect(unpackZip(ordinary, join(folder.path, 'full'), limits)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    });
    await symlink('full', join(folder.path, 'link'));
    await expect(unpackZip(ordinary, join(folder.path, 'link'), limits)).rejects.toThrow('not empty');
    expect(await readdir(join(folder.path, 'full'))).toEqual(['x']);
  });
});

describe('a hostile zip', () => {
  const cases: readonly [string, readonly RawEntry[]][] = [
    ['climbs out', [{ name: '../evil' }]],
    ['climbs out in the middle', [{ name: 'a/../../evil' }]],
    ['climbs out with backslashes', [{ name: '..\\evil' }]],
    ['is absolute', [{ name: '/evil' }]],
    ['is absolute for Windows', [{ name: 'C:\\evil' }]],
    ['has a NUL in a name', [{ name: 'a\0b' }]],
    ['has a control character in a name', [{ name: 'a\u001bb' }]],
    ['has a name that is not UTF-8', [{ name: Buffer.from([0x61, 0xe9, 0x62]) }]],
    ['has no name', [{ name: './' }]],
    ['has a link', [{ name: 'l', content: '/etc/passwd', mode: 0o120777 }]],
    ['has a link that is a folder', [{ name: 'l/', mode: 0o120777 }]],
    ['has a device', [{ name: 'd', mode: 0o020666 }]],
    ['has a folder that is marked as a file', [{ name: 'd/', mode: 0o100644 }]],
    ['is encrypted', [{ name: 'e', flags: 0x801 }]],
    ['names a file twice', [{ name: 'a' }, { name: 'a' }]],
    ['names a file twice in different spellings', [{ name: 'a/b' }, { name: 'a//./b' }]],
    ['has a file as a folder', [{ name: 'a' }, { name: 'a/b' }]],
    ['has a folder as a file', [{ name: 'a/b' }, { name: 'a' }]],
    ['has a folder with content', [{ name: 'a/', content: 'x', mode: 0o040755 }]],
  ];

  it.each(cases)(
    'that %s is refused when summarised and when unpacked, and leaves nothing',
    async (_what, entries) => {
      await using folder = await temporaryFolder();
      const bytes = zipOf(entries);
      await expect(inspectZip(bytes, limits)).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
      const work = unpackZip(bytes, join(folder.path, 'code'), limits);
      await expect(work).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE', kind: 'invalid' });
      expect(await readdir(folder.path)).toEqual([]);
    },
  );

  it('with entries that share their bytes is refused', async () => {
    const bytes = zipOf([
      { name: 'a', content: 'x'.repeat(50) },
      { name: 'b', content: 'x'.repeat(50) },
    ]);
    // Sets the second central entry's offset to the first one's.
    bytes.writeUInt32LE(0, bytes.lastIndexOf('PK\u0001\u0002') + 42);
    await expect(inspectZip(bytes, limits)).rejects.toMatchObject({
      code: 'ARCHIVE_UNSAFE',
      message: expect.stringContaining('shares its bytes'),
    });
  });

  const tooLarge: readonly [string, readonly RawEntry[]][] = [
    ['entries', Array.from({ length: 101 }, (_, at) => ({ name: `f${at}` }))],
    ['bytes in one', [{ name: 'f', content: Buffer.alloc(1_000_001) }]],
    [
      'bytes in total',
      Array.from({ length: 3 }, (_, at) => ({ name: `f${at}`, content: Buffer.alloc(900_000) })),
    ],
    ['folders in its names', Array.from({ length: 13 }, (_, at) => ({ name: `${at}/b/c/d/e/f/g/h/f` }))],
    ['folders deep', [{ name: `${'a/'.repeat(10)}f` }]],
  ];

  it.each(tooLarge)('with too many %s is refused by its directory alone', async (_what, entries) => {
    await expect(inspectZip(zipOf(entries), limits)).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
  });

  it('that grows a thousandfold is refused by its directory alone', async () => {
    const bytes = zipOf([{ name: 'bomb', content: Buffer.alloc(20_000_000) }]);
    const roomy = { ...limits, maxEntryBytes: 1e9, maxTotalBytes: 1e9 };
    await expect(inspectZip(bytes, roomy)).rejects.toMatchObject({
      code: 'ARCHIVE_TOO_LARGE',
      message: expect.stringContaining('400 times'),
    });
  });

  it.each([10, 200_000])(
    'that declares %i bytes and holds more is refused when it exceeds them',
    async (size) => {
      await using folder = await temporaryFolder();
      const bytes = zipOf([{ name: 'bomb', content: Buffer.alloc(50_000_000), size }]);
      await inspectZip(bytes, limits);
      const work = unpackZip(bytes, join(folder.path, 'code'), limits);
      await expect(work).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
      expect(await readdir(folder.path)).toEqual([]);
    },
  );

  it('of 60,000 entries is refused before they are read', async () => {
    const entries = Array.from({ length: 60_000 }, (_, at) => ({ name: `f${at}`, method: 0 }));
    await expect(inspectZip(zipOf(entries), limits)).rejects.toMatchObject({
      code: 'ARCHIVE_TOO_LARGE',
      message: expect.stringContaining('60000 entries'),
    });
  });
});

describe('a damaged zip', () => {
  it.each([
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('function main() {}')],
    ['cut at its end', ordinary.subarray(0, -10)],
    ['cut at its start', ordinary.subarray(40)],
    ['another method', zipOf([{ name: 'x', method: 12 }])],
  ])('that is %s is refused', async (_what, bytes) => {
    await expect(inspectZip(bytes, limits)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  it('whose content has the wrong checksum is refused', async () => {
    await using folder = await temporaryFolder();
    const bytes = zipOf([{ name: 'x', content: 'content', sum: 1 }]);
    await expect(unpackZip(bytes, join(folder.path, 'code'), limits)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('"x"'),
    });
  });

  it('always unpacks into its folder or fails with a fault', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'code');
    let run = 0;
    const change = fc.record({ at: fc.nat(ordinary.length - 1), to: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(ordinary);
        for (const { at, to } of changes) bytes[at] = to;
        const target = `${dir}${run++}`;
        const failure = await unpackZip(bytes, target, limits).catch((error: unknown) => error);
        const isThere = (await lstat(target).catch(() => undefined)) !== undefined;
        expect(isFault(failure)).toBe(!isThere);
        if (!isThere) run--;
      }),
      { numRuns: 200 },
    );
    expect(await readdir(folder.path)).toHaveLength(run);
  });
});
