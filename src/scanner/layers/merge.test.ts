import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { analysisOf, filesTar, passwordInspector, type TarEntry, tarOf } from '../scanner.fixture.ts';
import { scanVectors } from '../shared-data.fixture.ts';
import type { FileInspector } from '../types.ts';
import { type Merged, mergeLayers } from './merge.ts';

const modules = 'app/node_modules';
const debian = 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n';

function npm(name: string, version = '1.0.0'): TarEntry {
  return { name: `${modules}/${name}/package.json`, content: JSON.stringify({ name, version }) };
}

function dpkg(...packages: readonly string[]): TarEntry {
  const stanzas = packages.map((each) => {
    const [name, version] = each.split(' ');
    return `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nMaintainer: D <d@debian.org>\n`;
  });
  return { name: 'var/lib/dpkg/status', content: stanzas.join('\n') };
}

const system: readonly TarEntry[] = [{ name: 'etc/os-release', content: debian }, dpkg('libc6 2.41-1')];

/** Each layer as its entries, lowest first. */
async function merged(
  layers: readonly (readonly TarEntry[])[],
  inspectors: readonly FileInspector[] = [],
): Promise<Merged> {
  const stack = [];
  for (const [at, entries] of layers.entries()) {
    stack.push({ analysis: await analysisOf(await tarOf(entries), inspectors), createdBy: `line ${at}` });
  }
  return mergeLayers(stack);
}

/** `name version` with the number of the layer that each place is from. */
function found({ inventory }: Merged): string[] {
  const number = (layer: string | undefined) => inventory.layers.findIndex(({ diffId }) => diffId === layer);
  return inventory.components.map(
    ({ name, version, places }) => `${name} ${version} ${places.map(({ layer }) => number(layer)).join()}`,
  );
}

describe('layers', () => {
  it('are listed with their history lines', async () => {
    const { inventory } = await merged([[npm('a')], [npm('b')]]);
    expect(inventory.layers.map(({ createdBy }) => createdBy)).toEqual(['line 0', 'line 1']);
  });

  const cases: readonly [string, readonly (readonly TarEntry[])[], readonly string[]][] = [
    ['add up', [[npm('a')], [npm('b')]], ['a 1.0.0 0', 'b 1.0.0 1']],
    ['replace files', [[npm('a', '1.0.0')], [npm('a', '2.0.0')]], ['a 2.0.0 1']],
    [
      'keep the origin of a package that is written again',
      [[npm('a')], [npm('b')], [npm('a')]],
      ['a 1.0.0 0', 'b 1.0.0 1'],
    ],
    [
      'give a package that was deleted and written again a new origin',
      [[npm('a')], [{ name: `${modules}/.wh.a`, content: '' }], [npm('a'), npm('b')]],
      ['a 1.0.0 2', 'b 1.0.0 2'],
    ],
    [
      'delete files',
      [[npm('a'), npm('b')], [{ name: `${modules}/a/.wh.package.json`, content: '' }]],
      ['b 1.0.0 0'],
    ],
    ['delete trees', [[npm('a'), npm('b')], [{ name: 'app/.wh.node_modules', content: '' }]], []],
    [
      'delete only files of the layers below',
      [[{ name: 'app/.wh.node_modules', content: '' }, npm('a')]],
      ['a 1.0.0 0'],
    ],
    [
      'keep their own files where they delete',
      [
        [npm('a'), npm('b')],
        [npm('c'), { name: 'app/.wh.node_modules', content: '' }],
      ],
      ['c 1.0.0 1'],
    ],
    [
      'hide everything below an opaque folder, wherever they mark it',
      [[npm('a')], [npm('b'), { name: `${modules}/.wh..wh..opq`, content: '' }]],
      ['b 1.0.0 1'],
    ],
    [
      'hide everything below an opaque root',
      [[npm('a')], [{ name: '.wh..wh..opq', content: '' }, npm('b')]],
      ['b 1.0.0 1'],
    ],
    ['lay folders over folders', [[npm('a')], [{ name: `${modules}/a/`, type: 'directory' }]], ['a 1.0.0 0']],
    ['lay files over folders', [[npm('a')], [{ name: modules, content: 'x' }]], []],
    ['lay links over folders', [[npm('a')], [{ name: 'app', type: 'symlink', linkname: '/tmp' }]], []],
    ['lay folders over files', [[npm('a')], [{ name: `${modules}/a/package.json/`, type: 'directory' }]], []],
    [
      'replace files by folders that have no entry',
      [[npm('a')], [{ name: `${modules}/a/package.json/x`, content: '' }]],
      [],
    ],
    [
      'have the packages of the last database, each with its origin',
      [system, [dpkg('libc6 2.41-1', 'curl 8.1')], [dpkg('libc6 2.41-1', 'curl 8.2')]],
      ['curl 8.2 2', 'libc6 2.41-1 0'],
    ],
  ];
  it.each(cases)('%s', async (_what, layers, expected) => {
    expect(found(await merged(layers))).toEqual(expected);
  });

  it('list a package once with all its places', async () => {
    const nested = `${modules}/b/node_modules/a/package.json`;
    const { inventory } = await merged([
      [npm('a')],
      [{ name: nested, content: '{"name":"a","version":"1.0.0"}' }],
    ]);
    expect(inventory.components).toMatchObject([
      {
        purl: 'pkg:npm/a@1.0.0',
        places: [
          { path: `${modules}/a/package.json`, layer: inventory.layers[0]?.diffId },
          { path: nested, layer: inventory.layers[1]?.diffId },
        ],
      },
    ]);
  });

  it('hide the content of an opaque folder in Clair’s test layer', async (test) => {
    const clairs = readFileSync(scanVectors(test, 'layers/whiteout_opaque.layer'));
    const lower = await analysisOf(
      await filesTar({
        'a/node_modules/x/package.json': '{"name":"x","version":"1.0.0"}',
        'b/node_modules/y/package.json': '{"name":"y","version":"1.0.0"}',
      }),
    );
    const upper = await analysisOf(clairs);
    const stack = [lower, upper].map((analysis) => ({ analysis, createdBy: undefined }));
    expect(mergeLayers(stack).inventory.components.map(({ name }) => name)).toEqual(['y']);
  });
});

describe('a finding in a layer', () => {
  const leak = { name: 'root/.env', content: 'PASSWORD=hunter2' };

  it('names its layer, even if a later layer deletes the secret', async () => {
    const { findings, inventory } = await merged(
      [[leak], [{ name: 'root/.wh..env', content: '' }]],
      [passwordInspector],
    );
    expect(findings).toMatchObject([{ places: [{ path: 'root/.env', layer: inventory.layers[0]?.diffId }] }]);
  });

  it('is listed once when several layers have it', async () => {
    const { findings, inventory } = await merged([[leak], [leak, npm('a')]], [passwordInspector]);
    const layers = inventory.layers.map(({ diffId }) => diffId);
    expect(findings.map(({ places }) => places.map(({ layer }) => layer))).toEqual([layers]);
  });

  it('is dropped when a later layer corrects the misconfiguration', async () => {
    const modes: FileInspector = {
      name: 'modes',
      revision: '1',
      inspect: ({ path, mode }) => ((mode & 0o4000) === 0 ? [] : [finding(path)]),
      inspectFolder: ({ path, mode }) => (mode === 0o777 ? [finding(path)] : []),
    };
    const finding = (path: string) =>
      ({
        class: 'misconfiguration',
        id: 'mode',
        title: '',
        advice: '',
        severity: 'low',
        places: [{ path }],
      }) as const;
    const layers: TarEntry[][] = [
      [
        { name: 'bin/su', mode: 0o4755, content: 'x' },
        { name: 'bin/sudo', mode: 0o4755, content: 'x' },
        { name: 'open/', type: 'directory', mode: 0o777 },
        { name: 'shut/', type: 'directory', mode: 0o777 },
      ],
      [
        { name: 'bin/su', mode: 0o755, content: 'x' },
        { name: 'open/file', content: '' },
        { name: 'shut/', type: 'directory', mode: 0o755 },
      ],
    ];
    const { findings } = await merged(layers, [modes]);
    expect(findings.flatMap(({ places }) => places.map(({ path }) => path))).toEqual(['bin/sudo', 'open']);
  });
});

describe('a gap', () => {
  const gapsOf = async (...layers: readonly (readonly TarEntry[])[]) =>
    (await merged(layers)).inventory.gaps.map(({ path, reason }) => `${path}: ${reason}`);

  it('is a part that can’t be read, unless a later layer hides it', async () => {
    const broken = { name: `${modules}/a/package.json`, content: '{' };
    expect(await gapsOf([broken])).toEqual([`${modules}/a/package.json: npm: it is not JSON`]);
    expect(await gapsOf([broken], [npm('a')])).toEqual([]);
  });

  it('is a distribution without packages, or packages without a distribution', async () => {
    expect(await gapsOf([...system])).toEqual([]);
    expect(await gapsOf(system.slice(0, 1))).toEqual([
      ': it is Debian 13, but has no database of its packages',
    ]);
    expect(await gapsOf(system.slice(1))).toEqual([
      'etc/os-release: it does not say which distribution it is',
    ]);
  });

  it('is a distribution that was deleted except for its libraries', async () => {
    const library = { name: 'usr/lib/x86_64-linux-gnu/libc.so.6', content: 'ELF' };
    const deleted = [
      { name: 'etc/.wh.os-release', content: '' },
      { name: 'var/lib/.wh.dpkg', content: '' },
    ];
    expect(await gapsOf([...system, library], deleted)).toEqual([
      'etc/os-release: it does not say which distribution it is',
    ]);
  });

  it('is a database behind a link, unless the link leads to the path of a database', async () => {
    const astray = { name: 'var/lib/dpkg', type: 'symlink', linkname: '/opt/hidden' } as const;
    expect(await gapsOf([...system], [astray])).toContain(
      'var/lib/dpkg: a package database or a folder above it is a link, which was not followed; make it a folder',
    );
    const usual = { name: 'var/lib/rpm', type: 'symlink', linkname: '../../usr/lib/sysimage/rpm' } as const;
    expect(await gapsOf([...system, usual])).toEqual([]);
  });
});

describe('files of packages of the distribution', () => {
  const requests = 'usr/lib/python3/dist-packages/requests-2.32.dist-info/METADATA';
  const metadata = { name: requests, content: 'Name: requests\nVersion: 2.32\n' };
  const list = (name: string, ...paths: readonly string[]) => ({
    name: `var/lib/dpkg/info/${name}.list`,
    content: paths.map((path) => `/${path}\n`).join(''),
  });

  it('are not reported as packages of a language, too', async () => {
    const owned = [...system, dpkg('libc6 2.41-1', 'python3-requests 2.32+dfsg-5'), metadata];
    expect(found(await merged([[...owned, list('python3-requests', requests)]]))).not.toContain(
      'requests 2.32 0',
    );
    expect(found(await merged([owned]))).toContain('requests 2.32 0');
  });

  it('are reported if another vendor made the package', async () => {
    const status = 'Package: nodejs\nVersion: 22\nMaintainer: NodeSource <x@nodesource.com>\n';
    const npmPath = 'usr/lib/node_modules/npm/package.json';
    const layer = [
      { name: 'etc/os-release', content: debian },
      { name: 'var/lib/dpkg/status', content: status },
      { name: npmPath, content: '{"name":"npm","version":"10.0.0"}' },
      list('nodejs', npmPath),
    ];
    expect(found(await merged([layer]))).toContain('npm 10.0.0 0');
  });

  it('do not hide packages at paths where no distribution installs files', async () => {
    const places = ['opt/app/lib/node_modules', 'srv/bin/node_modules', 'usr/local/lib/node_modules'];
    const paths = places.map((place, at) => `${place}/p${at}/package.json`);
    const files = paths.map((name, at) => ({ name, content: `{"name":"p${at}","version":"1.0.0"}` }));
    const layer = [...system, ...files, list('libc6', ...paths)];
    expect(found(await merged([layer]))).toEqual(
      expect.arrayContaining(['p0 1.0.0 0', 'p1 1.0.0 0', 'p2 1.0.0 0']),
    );
  });
});

describe('a lock file', () => {
  const lock = (version: string) =>
    JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/a': { version }, '': { name: 'app' } } });

  it('counts only if nothing is installed beside it', async () => {
    const file = { name: 'app/package-lock.json', content: lock('3.0.0') };
    expect(found(await merged([[file]]))).toEqual(['a 3.0.0 0']);
    expect(found(await merged([[file], [npm('b')]]))).toEqual(['b 1.0.0 1']);
    const elsewhere = { ...npm('b'), name: 'other/node_modules/b/package.json' };
    expect(found(await merged([[file], [elsewhere]]))).toEqual(['a 3.0.0 0', 'b 1.0.0 1']);
  });
});
