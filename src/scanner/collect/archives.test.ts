/** The content of archives, as a scan of a layer reports it. */
import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it, test } from 'vitest';
import type { ArchiveLimits } from '../archives/work.ts';
import { archiveLimits } from '../archives/work.ts';
import { catalogers } from '../inventory/catalogers.ts';
import { scannedFile } from '../scanned-file.fixture.ts';
import { filesTar, imageOf, passwordInspector } from '../scanner.fixture.ts';
import { base, scannerWith, zipOf } from '../scans.fixture.ts';
import type { FileInspector } from '../types.ts';
import { archiveFormsOf, openArchives } from './archives.ts';
import { openCollector } from './collector.ts';
import { openKeeping } from './keeping.ts';

const bad = 'PASSWORD = "hunter2"\n';
const analysers = { catalogers, inspectors: [passwordInspector] };

async function scan(
  files: Readonly<Record<string, Buffer>>,
  inspectors: readonly FileInspector[] = [passwordInspector],
) {
  const collector = openCollector({ ...analysers, inspectors });
  for (const [path, content] of Object.entries(files)) await collector.add(scannedFile(path, content));
  const { evidence, findings, gaps } = collector.result();
  return {
    bad: findings.flatMap(({ places }) => places.map(({ path }) => path)),
    gaps: gaps.map(({ path, reason }) => `${path}: ${reason}`),
    packages: evidence.flatMap(({ path, packages }) =>
      (packages ?? []).map(
        ({ name, version, within, kept }) =>
          `${name} ${version} in ${path}${within === undefined ? '' : `!/${within}`}${kept ? ', kept' : ''}`,
      ),
    ),
  };
}

const metadata = 'Metadata-Version: 2.1\nName: requests\nVersion: 2.0.0\n';
const wheel = await zipOf({
  'requests/__init__.py': bad,
  'requests-2.0.0.dist-info/METADATA': metadata,
});
const npmTar = await filesTar({
  'package/package.json': '{"name":"lodash","version":"4.17.20"}',
  'package/index.js': bad,
});
const npm = gzipSync(npmTar);
/** `a.py` with bad content in a tar, made by Debian's programs. */
const bzip2ed = Buffer.from(
  'QlpoOTFBWSZTWX8VeKIAAHf/hMqSAEBQAX8CJADYhGJB3iAAAIAIIAB1DSgaaaNADIaeoBkElTJpPQJgAjCDB1vzOxqED3AJFR4K5HuJ4EkDA8sG73NwtdtAkiI0EM2SqxjFraUq2ccDPgJG7gyF4+HTfKO50CD389PSQdi7kinChIP4q8UQ',
  'base64',
);
/** The bad content, compressed by bzip2. */
const bzip2edFile = Buffer.from(
  'QlpoOTFBWSZTWb1QZq0AAAVfgAAQUAAQAiQA2IACQRYAIAAxTTIxMTEKZMRpkaeoaMq0T7l4ibe4KA+LuSKcKEheqDNWgA==',
  'base64',
);
const xzed = Buffer.from(
  '/Td6WFoAAATm1rRGBMB6gFAhARwAAAAAAAAAAJ0Qm/rgJ/8Acl0AMIuKB9AjWhhjzbePr93YaYGRpeF8HT66KjN8dyaFSz4GsCSIUlMNDLMe43IjorqEfmVyLR9xSs0B5krTwPQ5CVzigMw+LR8fNRmVTCaKbIw3ql860FnXfveShs/RfLwQxp+Wx/LntXFmf4gzmz89xwUAAAAAtVmw8dSDW2gAAZYBgFAAALiQ77SxxGf7AgAAAAAEWVo=',
  'base64',
);

test.each<[what: string, path: string, content: Buffer, bad: string, packages: string[]]>([
  [
    'a wheel',
    'opt/requests-2.0.0-py3-none-any.whl',
    wheel,
    '!/requests/__init__.py',
    ['requests 2.0.0 in opt/requests-2.0.0-py3-none-any.whl!/requests-2.0.0.dist-info/METADATA'],
  ],
  [
    'a wheel that is called otherwise',
    'opt/data.bin',
    wheel,
    '!/requests/__init__.py',
    ['requests 2.0.0 in opt/data.bin!/requests-2.0.0.dist-info/METADATA'],
  ],
  [
    'an egg',
    'usr/lib/python3/site-packages/a.egg',
    await zipOf({ 'EGG-INFO/PKG-INFO': metadata, 'a.py': bad }),
    '!/a.py',
    ['requests 2.0.0 in usr/lib/python3/site-packages/a.egg!/EGG-INFO/PKG-INFO'],
  ],
  ['a tar of bzip2', 'opt/a.tar.bz2', bzip2ed, '!/a.py', []],
  ['a tar of xz', 'opt/a.tar.xz', xzed, '!/a.py', []],
  [
    'a program of Python behind its first line',
    'usr/local/bin/tool',
    Buffer.concat([Buffer.from('#!/usr/bin/env python3\n'), await zipOf({ '__main__.py': bad })]),
    '!/__main__.py',
    [],
  ],
  [
    'an archive of npm',
    'opt/lodash-4.17.20.tgz',
    npm,
    '!/package/index.js',
    ['lodash 4.17.20 in opt/lodash-4.17.20.tgz!/package/package.json, kept'],
  ],
  [
    'the cache of npm',
    'root/.npm/_cacache/content-v2/sha512/ab/cd/ef',
    npm,
    '!/package/index.js',
    ['lodash 4.17.20 in root/.npm/_cacache/content-v2/sha512/ab/cd/ef!/package/package.json, kept'],
  ],
  [
    'the cache of Yarn',
    'app/.yarn/cache/lodash-npm-4.17.20-6382451519-b31afa09.zip',
    await zipOf({
      'node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.20"}',
      'node_modules/lodash/x.js': bad,
    }),
    '!/node_modules/lodash/x.js',
    [
      'lodash 4.17.20 in app/.yarn/cache/lodash-npm-4.17.20-6382451519-b31afa09.zip!/node_modules/lodash/package.json',
    ],
  ],
  [
    'what pip has fetched',
    'root/.cache/pip/http-v2/a/b/c.body',
    wheel,
    '!/requests/__init__.py',
    ['requests 2.0.0 in root/.cache/pip/http-v2/a/b/c.body!/requests-2.0.0.dist-info/METADATA, kept'],
  ],
  [
    'an archive of sources',
    'src.tar.gz',
    gzipSync(await filesTar({ 'requests-2.0.0/PKG-INFO': metadata, 'requests-2.0.0/setup.py': bad })),
    '!/requests-2.0.0/setup.py',
    ['requests 2.0.0 in src.tar.gz!/requests-2.0.0/PKG-INFO, kept'],
  ],
  ['a tar', 'a.tar', npmTar, '!/package/index.js', ['lodash 4.17.20 in a.tar!/package/package.json, kept']],
  ['a compressed file', 'etc/x.conf.gz', gzipSync(bad), '!/x.conf', []],
  [
    'one by zstd, in two frames',
    'x.zst',
    Buffer.concat([zstdCompressSync('a\n'), zstdCompressSync(bad)]),
    '!/x',
    [],
  ],
  [
    'a tar by zstd',
    'x.tar.zst',
    zstdCompressSync(npmTar),
    '!/package/index.js',
    ['lodash 4.17.20 in x.tar.zst!/package/package.json, kept'],
  ],
  [
    'a large compressed file',
    'x.gz',
    gzipSync(Buffer.concat([randomBytes(6_000_000), Buffer.from(bad)])),
    '!/x',
    [],
  ],
  ['a class in a jar', 'app.jar', await zipOf({ 'a/B.class': bad }), '!/a/B.class', []],
  [
    'an archive in an archive',
    'a.zip',
    await zipOf({ 'b/c.tgz': npm }),
    '!/b/c.tgz!/package/index.js',
    ['lodash 4.17.20 in a.zip!/b/c.tgz!/package/package.json, kept'],
  ],
])('%s is scanned', async (_what, path, content, where, packages) => {
  expect(await scan({ [path]: content })).toEqual({ bad: [`${path}${where}`], gaps: [], packages });
});

test('the packages of an archive with two names are reported for both', async () => {
  const collector = openCollector(analysers);
  await collector.addNamesake(scannedFile('b.whl', wheel));
  const { evidence, findings } = collector.result();
  expect([evidence.map(({ path }) => path), findings]).toEqual([['b.whl'], []]);
});

test('a package both installed and kept is installed; a kept one fulfils no requirement', async () => {
  const tar = await filesTar({
    'opt/lodash.tgz': npm,
    'app/package-lock.json': '{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"}}}',
  });
  const installed = await filesTar({
    'opt/lodash.tgz': npm,
    'app/node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.20"}',
  });
  await using scanner = scannerWith();
  const read = async (layer: Buffer) => {
    const { inventory, findings } = await scanner.scanImage(imageOf([base, layer]));
    const components = inventory.components.filter(({ ecosystem }) => ecosystem === 'npm');
    return [components.map(({ name, kept }) => [name, kept]), findings.length];
  };
  // The matcher of the tests reports every lodash.
  expect(await read(tar)).toEqual([
    [
      ['a', undefined],
      ['lodash', true],
    ],
    2,
  ]);
  expect(await read(installed)).toEqual([[['lodash', undefined]], 2]);
});

test('an archive that a later layer deletes keeps its findings and loses its packages', async () => {
  const gone = await filesTar({ 'opt/.wh.requests.whl': '' });
  await using scanner = scannerWith();
  const { inventory, findings } = await scanner.scanImage(
    imageOf([base, await filesTar({ 'opt/requests.whl': wheel }), gone]),
  );
  expect(inventory.components.map(({ name }) => name)).toEqual(['libc6']);
  expect(findings.map(({ places }) => places[0]?.path)).toEqual(['opt/requests.whl!/requests/__init__.py']);
});

test('an archive that is too long for memory is a gap, wherever its zip begins', async () => {
  const collector = openCollector(analysers);
  const long = collector.watch({ ...scannedFile('big', ''), sizeBytes: 100 });
  long.piece(Buffer.alloc(200_000, 'x'));
  long.piece(wheel.subarray(0, 100));
  long.piece(wheel.subarray(100));
  await long.end(Buffer.alloc(100, 'x'));
  expect(collector.result().gaps).toEqual([
    {
      path: 'big',
      reason: expect.stringContaining('not scanned: archives of this form are opened up to 64 MiB'),
    },
  ]);
});

test('a finding in an uncompressed entry is not repeated for the archive', async () => {
  const { bad: found } = await scan({ 'a.tar': await filesTar({ 'x.py': bad }) });
  expect(found).toEqual(['a.tar!/x.py']);
});

test.each<[form: string, content: Buffer]>([
  ['7z', Buffer.from("7z\xbc\xaf'\x1c\0\x04", 'latin1')],
  ['rar', Buffer.from('Rar!\x1a\x07\x01\0', 'latin1')],
  ['lz4', Buffer.from('\x04"M\x18\x64\x40\xa7\0\0\0\0', 'latin1')],
  ['lzip', Buffer.from('LZIP\x01\x0c', 'latin1')],
  ['lzop', Buffer.from('\x89LZO\0\r\n\x1a\n\x10', 'latin1')],
  ['compress', Buffer.from('\x1f\x9d\x90a', 'latin1')],
])('%s is not opened but reported', async (form, content) => {
  const { gaps } = await scan({ 'x.bin': content });
  expect(gaps).toEqual([
    `x.bin: not scanned: it has the form ${form}, which Ward does not open; unpack it or leave it out`,
  ]);
});

test('a file that is both gzip and zip is scanned as both, and reported', async () => {
  const { bad: found, gaps } = await scan({
    'a.whl': Buffer.concat([gzipSync(bad), Buffer.alloc(1), wheel]),
  });
  expect(found).toEqual(['a.whl!/a.whl', 'a.whl!/requests/__init__.py']);
  expect(gaps).toEqual([expect.stringContaining('a.whl: not scanned: incorrect header check')]);
});

describe('a damaged archive', () => {
  const gz = gzipSync(bad);
  const flushed = (text: string | Buffer) => {
    const whole = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
    return Buffer.concat([gz.subarray(0, 10), whole]);
  };
  const long = Buffer.concat([randomBytes(600_000), Buffer.from(bad)]);

  it.each<[what: string, content: Buffer]>([
    ['gzip with a wrong checksum', Buffer.concat([gz.subarray(0, -8), Buffer.alloc(4), gz.subarray(-4)])],
    ['gzip without its end', gz.subarray(0, -8)],
    ['gzip with a block of an unknown type', Buffer.concat([flushed(bad), Buffer.from([7, 255, 255])])],
    ['a long one', Buffer.concat([flushed(long), Buffer.from([7, 255, 255])])],
    ['a long one without its end', gzipSync(long).subarray(0, -8)],
    ['bzip2 without its end', bzip2edFile.subarray(0, -6)],
  ])('is scanned up to the damage: %s', async (_what, content) => {
    const { bad: found, gaps } = await scan({ 'a.gz': content });
    expect(found).toEqual(['a.gz!/a']);
    expect(gaps).toEqual([expect.stringMatching(/^a\.gz: not scanned: /)]);
  });

  it('with zeros between its members is read as Python reads it', async () => {
    const members = Buffer.concat([gzipSync('a'), Buffer.alloc(3), gz, Buffer.alloc(700)]);
    expect(await scan({ 'a.gz': members })).toMatchObject({ bad: ['a.gz!/a'], gaps: [] });
  });
});

describe('a hostile archive', () => {
  const mebibyte = 1024 * 1024;

  async function open(content: Buffer, limits: Partial<ArchiveLimits>) {
    const keeping = openKeeping();
    const { open } = openArchives(catalogers, keeping, { ...archiveLimits, ...limits });
    await open({ ...scannedFile('x', content), content }, archiveFormsOf('x', content), [passwordInspector]);
    await open({ ...scannedFile('y', wheel), content: wheel }, ['zip'], [passwordInspector]);
    const { gaps, findings } = keeping.result();
    return {
      gaps: gaps.map(({ path, reason }) => `${path}: ${reason}`),
      // The second is read, whatever the first does.
      next: findings.some(({ places }) => places[0]?.path === 'y!/requests/__init__.py'),
    };
  }

  /** Nested zips, each with this many of the next. */
  async function nested(depth: number, width: number): Promise<Buffer> {
    let inner = await zipOf({ 'a.bin': Buffer.alloc(mebibyte) });
    for (let level = 1; level < depth; level++) {
      const entry = inner;
      inner = await zipOf(Object.fromEntries(Array.from({ length: width }, (_, at) => [`${at}.zip`, entry])));
    }
    return inner;
  }

  it.each<[what: string, make: () => Promise<Buffer>, limits: Partial<ArchiveLimits>, says: RegExp]>([
    [
      'that grows too much',
      async () => zipOf({ a: Buffer.alloc(8 * mebibyte) }),
      { growthFloor: mebibyte },
      /^x: not scanned: it unpacks to more than/,
    ],
    [
      'that is a bomb of gzip',
      async () => gzipSync(Buffer.alloc(8 * mebibyte)),
      { growthFloor: mebibyte },
      /^x: not scanned: it unpacks to more than/,
    ],
    [
      'that is a bomb of zstd',
      async () => zstdCompressSync(Buffer.alloc(8 * mebibyte)),
      { growthFloor: mebibyte },
      /^x: not scanned: it unpacks to more than/,
    ],
    [
      'that has too many entries',
      async () => zipOf(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${at}`, '']))),
      { maxEntries: 20 },
      /^x: not scanned: it has more than 20 entries/,
    ],
    [
      'that has many with many each',
      async () => nested(4, 10),
      { growthFloor: 20 * mebibyte },
      /^x: not scanned: it unpacks to more than/,
    ],
    [
      'that lies in too many others',
      async () => nested(6, 1),
      {},
      /^x!\/0.zip!\/0.zip!\/0.zip!\/0.zip: not scanned: it is inside 4 other archives/,
    ],
    [
      'with large ones in each other',
      async () => zipOf({ 'a.zip': await zipOf({ 'b.zip': await zipOf({ c: randomBytes(mebibyte) }) }) }),
      { maxHeldBytes: 1.5 * mebibyte },
      /^x!\/a.zip!\/b.zip: not scanned: .* hold more than/,
    ],
    [
      'with an archive in it that is too long to be read whole',
      async () => zipOf({ 'a.xz': Buffer.concat([xzed.subarray(0, 6), randomBytes(mebibyte)]) }),
      { longestWhole: 100_000 },
      /^x!\/a.xz: not scanned: archives of this form/,
    ],
    ['that is cut short', async () => npm.subarray(0, npm.length - 20), {}, /^x: not scanned: /],
    ['of tar that is cut short', async () => npmTar.subarray(0, 1000), {}, /^x: not scanned: .*cut short/],
    [
      'that understates a length',
      async () => {
        const zip = await zipOf({ a: 'x'.repeat(1000) });
        zip.writeUInt32LE(10, zip.indexOf('PK\x01\x02') + 24);
        return zip;
      },
      {},
      /^x!\/a: not scanned: a is longer than it says/,
    ],
    [
      'that is encrypted',
      async () => {
        const zip = await zipOf({ a: 'x'.repeat(1000) });
        const at = zip.indexOf('PK\x01\x02') + 8;
        zip.writeUInt16LE(zip.readUInt16LE(at) | 1, at);
        return zip;
      },
      {},
      /^x!\/a: not scanned: a is encrypted/,
    ],
  ])('%s is a gap, and the next archive is read', async (_what, make, limits, says) => {
    const { gaps, next } = await open(await make(), limits);
    expect(next).toBe(true);
    expect(gaps).toEqual([expect.stringMatching(says)]);
  });

  it('stays within the limit for all archives', async () => {
    const { gaps } = await open(await zipOf({ a: Buffer.alloc(mebibyte) }), { maxBytesOfAll: 1000 });
    expect(gaps).toEqual([
      expect.stringContaining('x: not scanned: the archives here unpack to more than'),
      expect.stringContaining('y: not scanned: the archives here unpack to more than'),
    ]);
  });

  it('whose entries share bytes is limited by its unpacked size', async () => {
    // The directory has fifty entries, the file one.
    const zip = await zipOf({ a: Buffer.alloc(mebibyte) });
    const at = zip.indexOf('PK\x01\x02');
    const record = zip.subarray(at, zip.length - 22);
    const end = Buffer.from(zip.subarray(-22));
    for (const place of [8, 10]) end.writeUInt16LE(50, place);
    end.writeUInt32LE(record.length * 50, 12);
    const many = Buffer.concat([zip.subarray(0, at), ...Array.from({ length: 50 }, () => record), end]);
    const { gaps, next } = await open(many, { growthFloor: 10 * mebibyte });
    expect([gaps, next]).toEqual([[expect.stringContaining('it unpacks to more than')], true]);
  });

  it('reports names that lead out or hold a NUL, and writes nothing there', async () => {
    const zip = await zipOf({ 'xx/etc/cron': bad });
    for (let at = zip.indexOf('xx/etc'); at >= 0; at = zip.indexOf('xx/etc')) zip.write('../e\0c', at);
    expect(await scan({ 'a.zip': zip })).toMatchObject({ bad: ['a.zip!/../e?c/cron'], gaps: [] });
  });

  it('causes a limited number of gaps', async () => {
    const files = Array.from({ length: 50 }, (_, at) => [`${at}.jar`, 'no jar'] as const);
    const { gaps } = await scan({ 'a.zip': await zipOf(Object.fromEntries(files)) });
    expect(gaps).toHaveLength(21);
    expect(gaps.at(-1)).toBe('a.zip: not scanned: more parts of it than are listed');
  });
});
