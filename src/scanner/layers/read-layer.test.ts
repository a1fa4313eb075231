import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { catalogers } from '../inventory/catalogers.ts';
import {
  analysisOf,
  filesTar,
  passwordInspector,
  storedLayer,
  streamOf,
  type TarEntry,
  tarOf,
} from '../scanner.fixture.ts';
import type { FileInspector } from '../types.ts';
import { filesIn } from './analysis.ts';
import { readLayer } from './read-layer.ts';

const lodash = '{"name":"lodash","version":"4.17.20"}';
const analysers = { catalogers, inspectors: [passwordInspector] };
const never = new AbortController().signal;

function packagesIn(analysis: Awaited<ReturnType<typeof analysisOf>>): string[] {
  return analysis.evidence.flatMap(({ path, packages }) =>
    (packages ?? []).map(({ name, version }) => `${path}: ${name} ${version}`),
  );
}

describe('a layer', () => {
  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['nothing', (tar: Buffer) => tar],
  ])('packed with %s is read in one pass', async (_how, pack) => {
    const tar = await filesTar({ 'app/node_modules/lodash/package.json': lodash, 'app/.env': 'P=hunter2' });
    const packed = pack(tar);
    let opened = 0;
    const open = async () => {
      opened++;
      return streamOf(packed, 100);
    };
    const analysis = await readLayer({ digest: digestOf(packed), open }, analysers, never);
    expect(analysis).toMatchObject({ form: 1, digest: digestOf(packed), diffId: digestOf(tar), gaps: [] });
    expect(packagesIn(analysis)).toEqual(['app/node_modules/lodash/package.json: lodash 4.17.20']);
    expect(analysis.findings.map(({ id, places }) => [id, places])).toEqual([
      ['password', [{ path: 'app/.env' }]],
    ]);
    expect(filesIn(analysis)).toEqual(['app/.env', 'app/node_modules/lodash/package.json']);
    expect(opened).toBe(1);
  });

  it('lists what it deletes, and nothing else about it', async () => {
    const analysis = await analysisOf(
      await tarOf([
        { name: 'a/.wh.gone', content: '' },
        { name: '.wh.top', content: '' },
        { name: 'b/.wh..wh..opq', content: '' },
        { name: '.wh..wh.aufs', content: '' },
        { name: 'c/not.a.wh.file', content: 'kept' },
      ]),
    );
    expect(analysis).toMatchObject({
      removed: ['a/gone', 'top'],
      opaque: ['b'],
      files: 'c/not.a.wh.file',
      gaps: [],
    });
  });

  it('has the content of the last of several entries with one name', async () => {
    const path = 'node_modules/a/package.json';
    const analysis = await analysisOf(
      await tarOf([
        { name: path, content: '{"name":"a","version":"1.0.0"}' },
        { name: `./${path}`, content: '{"name":"a","version":"2.0.0"}' },
        { name: 'node_modules/b/package.json', content: '{"name":"b","version":"1.0.0"}' },
        { name: 'node_modules/b/package.json', type: 'symlink', linkname: '/dev/null' },
      ]),
    );
    expect(packagesIn(analysis)).toEqual([`${path}: a 2.0.0`]);
  });

  it('is read again for hard links to files whose own names mean nothing', async () => {
    const link = 'node_modules/lodash/package.json';
    const tar = await tarOf([
      { name: 'store/0a1b', content: lodash },
      { name: link, type: 'link', linkname: './store/0a1b' },
      { name: 'twice/node_modules/lodash/package.json', type: 'link', linkname: link },
    ]);
    expect(packagesIn(await analysisOf(tar))).toEqual([
      `${link}: lodash 4.17.20`,
      `twice/${link}: lodash 4.17.20`,
    ]);
  });

  it('can’t hide a package by replacing the target of a hard link', async () => {
    const link = 'node_modules/lodash/package.json';
    const tar = await tarOf([
      { name: 'store', content: lodash },
      { name: link, type: 'link', linkname: 'store' },
      { name: 'store', content: '{"name":"harmless","version":"1.0.0"}' },
    ]);
    expect(packagesIn(await analysisOf(tar))).toContain(`${link}: lodash 4.17.20`);
  });

  it('ignores a hard link that another entry replaces', async () => {
    const link = 'node_modules/lodash/package.json';
    const tar = await tarOf([
      { name: 'store', content: lodash },
      { name: link, type: 'link', linkname: 'store' },
      { name: link, content: '{"name":"lodash","version":"4.17.21"}' },
    ]);
    expect(packagesIn(await analysisOf(tar))).toEqual([`${link}: lodash 4.17.21`]);
  });

  it('keeps a package under the remaining name when the other is deleted', async () => {
    const path = 'node_modules/lodash/package.json';
    const tar = await tarOf([
      { name: path, content: lodash },
      { name: 'kept/node_modules/lodash/package.json', type: 'link', linkname: path },
    ]);
    expect(packagesIn(await analysisOf(tar))).toHaveLength(2);
  });
});

describe('the usual devices of /dev', () => {
  it('are no gap and hide nothing, because they are not created', async () => {
    const tar = await tarOf([
      { name: './dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: 'dev/tty', type: 'character-device', devmajor: 5, devminor: 0 },
    ]);
    expect(await analysisOf(tar)).toMatchObject({ gaps: [], files: '' });
  });
});

describe('an entry that is not to be trusted', () => {
  const cases: readonly [string, readonly TarEntry[], string][] = [
    ['climbs out', [{ name: '../evil', content: 'x' }], 'leads out'],
    ['is absolute', [{ name: '/etc/passwd', content: 'x' }], 'absolute'],
    ['is a device', [{ name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 }], 'is a device'],
    ['is a whiteout of overlayfs', [{ name: 'w', type: 'character-device' }], 'is a device'],
    [
      'is another device in /dev',
      [{ name: 'dev/mem', type: 'character-device', devmajor: 1, devminor: 1 }],
      'is a device',
    ],
    [
      'has the name of a usual device, and is another',
      [{ name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 1 }],
      'is a device',
    ],
    [
      'is a usual device in another place',
      [{ name: 'srv/null', type: 'character-device', devmajor: 1, devminor: 3 }],
      'is a device',
    ],
    [
      'is a usual device in the place of a file',
      [
        { name: 'dev/null', content: 'x' },
        { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
      ],
      'replaces another entry',
    ],
    [
      'replaces a usual device',
      [
        { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
        { name: 'dev/null', content: 'x' },
      ],
      'replaces a device',
    ],
    [
      'is below a usual device',
      [
        { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
        { name: 'dev/null/x', content: 'x' },
      ],
      'is below',
    ],
    ['is a pipe', [{ name: 'p', type: 'fifo' }], 'is a pipe'],
    ['deletes its folder', [{ name: 'd/.wh..', content: '' }], 'without a name'],
    ['deletes nothing', [{ name: 'd/.wh.', content: '' }], 'without a name'],
    [
      'is below a link',
      [
        { name: 'l', type: 'symlink', linkname: '/usr' },
        { name: 'l/deep/er', content: 'x' },
      ],
      'is below',
    ],
    [
      'replaces a folder',
      [
        { name: 'd/a', content: 'x' },
        { name: 'd', content: 'x' },
      ],
      'replaces a folder',
    ],
    ['is a hard link out', [{ name: 'h', type: 'link', linkname: '/etc/shadow' }], 'out of the layer'],
    ['is a hard link to nothing', [{ name: 'h', type: 'link', linkname: 'nothing' }], 'not in the layer'],
    [
      'is a hard link to a link',
      [
        { name: 'l', type: 'symlink', linkname: '/x' },
        { name: 'node_modules/h/package.json', type: 'link', linkname: 'l' },
      ],
      'not a file',
    ],
  ];
  it.each(cases)('that %s is a gap', async (_what, entries, reason) => {
    const { gaps } = await analysisOf(await tarOf(entries));
    expect(gaps.map((gap) => gap.reason).join()).toContain(reason);
  });

  it('is a gap with a printable name', async () => {
    const { gaps } = await analysisOf(await tarOf([{ name: 'a\u001b[2Jb', content: 'x' }]));
    expect(gaps).toEqual([{ path: '', reason: '"a\\u001b[2Jb" has a control character in its name' }]);
  });

  it('is counted up to a limit', async () => {
    const entries = Array.from({ length: 400 }, (_, at) => ({ name: `p${at}`, type: 'fifo' as const }));
    const { gaps } = await analysisOf(await tarOf(entries));
    expect(gaps).toHaveLength(201);
    expect(gaps.at(-1)?.reason).toContain('more gaps');
  });
});

describe('an invalid layer', () => {
  it('with more folders in its names than it may have entries is refused', async () => {
    const limits = { maxEntries: 10, maxTotalBytes: 1_000_000, maxNameBytes: 1000, longestWhole: 100_000 };
    const read = async (entries: number) => {
      const names = Array.from({ length: entries }, (_, at) => [`${at}/b/c/d/e/f`, 'x'] as const);
      return readLayer(storedLayer(await filesTar(Object.fromEntries(names))), analysers, never, limits);
    };
    expect(await read(2)).toMatchObject({ gaps: [] });
    await expect(read(3)).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
  });

  it('with another digest is refused', async () => {
    const layer = { ...storedLayer(await filesTar({ a: 'x' })), digest: digestOf('other') };
    await expect(readLayer(layer, analysers, never)).rejects.toMatchObject({ code: 'LAYER_MISMATCH' });
  });

  it('gets its diff id even if its digest was verified before', async () => {
    const tar = await filesTar({ a: 'x' });
    const layer = { ...storedLayer(tar), digest: digestOf('other'), isVerified: true } as const;
    const { digest, diffId } = await readLayer(layer, analysers, never);
    expect({ digest, diffId }).toEqual({ digest: digestOf('other'), diffId: digestOf(tar) });
  });

  it('that is not an archive is refused', async () => {
    const layer = storedLayer(Buffer.from(JSON.stringify({ config: 'of an image'.repeat(100) })));
    await expect(readLayer(layer, analysers, never)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  it('that can’t be read to its end is refused', async () => {
    const tar = await filesTar({ a: 'x'.repeat(5000) });
    const open = async () =>
      Readable.from(
        (async function* () {
          yield tar.subarray(0, 1000);
          throw new Error('the disk is gone');
        })(),
      );
    await expect(readLayer({ digest: digestOf(tar), open }, analysers, never)).rejects.toThrow(
      'the disk is gone',
    );
  });
});

describe('an inspector', () => {
  it('causes a gap when it fails, and the others still run', async () => {
    const failing: FileInspector = {
      name: 'failing',
      revision: '1',
      inspect: async () => Promise.reject(new Error('out of order')),
    };
    const { gaps, findings } = await analysisOf(await filesTar({ a: 'hunter2' }), [
      failing,
      passwordInspector,
    ]);
    expect(gaps).toEqual([{ path: 'a', reason: 'failing: out of order' }]);
    expect(findings).toHaveLength(1);
  });

  it('sees long files piece by piece, or else their heads, and folders', async () => {
    const lengths: number[] = [];
    const folders: string[] = [];
    const heads: [number, boolean][] = [];
    const watching: FileInspector = {
      name: 'watching',
      revision: '1',
      inspect: () => [],
      watch: ({ path }) => {
        let length = 0;
        return {
          piece: (bytes) => {
            length += bytes.length;
          },
          end: () => {
            lengths.push(length);
            return [{ ...found, places: [{ path }] }];
          },
        };
      },
      inspectFolder: ({ path, mode }) => {
        folders.push(`${path} ${mode.toString(8)}`);
        return [];
      },
    };
    const found = { class: 'malware', id: 'm', title: 'm', severity: 'high' } as const;
    const byHead: FileInspector = {
      name: 'head',
      revision: '1',
      inspect: ({ head, content }) => {
        heads.push([head.length, content === undefined]);
        return [];
      },
    };
    const tar = await tarOf([
      { name: 'tmp/', type: 'directory', mode: 0o1777 },
      { name: 'long', content: Buffer.alloc(200_000) },
    ]);
    const limits = { maxEntries: 10, maxTotalBytes: 1_000_000, maxNameBytes: 1000, longestWhole: 100_000 };
    const both = { catalogers, inspectors: [watching, byHead] };
    const { findings } = await readLayer(storedLayer(tar), both, never, limits);
    expect([lengths, folders, heads]).toEqual([[200_000], ['tmp 1777'], [[65_536, true]]]);
    expect(findings.map(({ places }) => places)).toEqual([[{ path: 'long' }]]);
  });

  it('is stopped by an abort', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    const stopping: FileInspector = {
      name: 'stopping',
      revision: '1',
      inspect: ({ path }) => {
        seen.push(path);
        controller.abort(new Error('enough'));
        return [];
      },
    };
    const big = Buffer.alloc(100_000);
    const layer = storedLayer(await filesTar({ a: big, b: big, c: big }));
    const reading = readLayer(layer, { catalogers, inspectors: [stopping] }, controller.signal);
    await expect(reading).rejects.toThrow('enough');
    expect(seen).toEqual(['a']);
  });
});
