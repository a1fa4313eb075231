/** Packages that Node.js would load, whatever their `package.json` says. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFolder } from '../../folder.ts';
import { mergeLayers } from '../../layers/merge.ts';
import { analysisOf, type TarEntry, tarOf, temporaryFolder } from '../../scanner.fixture.ts';
import type { Inventory } from '../../types.ts';
import { catalogers } from '../catalogers.ts';
import { packageFolderOf, packageLinkOf } from './folders.ts';

it.each([
  ['app/node_modules/a/package.json', 'app/node_modules/a', 'a', 'package.json'],
  ['node_modules/@s/a/lib/x.js', 'node_modules/@s/a', '@s/a', 'lib/x.js'],
  ['node_modules/a/node_modules/b/x.js', 'node_modules/a/node_modules/b', 'b', 'x.js'],
  [
    'node_modules/.pnpm/a@1.0.0/node_modules/a/x.js',
    'node_modules/.pnpm/a@1.0.0/node_modules/a',
    'a',
    'x.js',
  ],
  ['node_modules/a.js', 'node_modules/a.js', 'a.js', ''],
  ['node_modules/a/test/node_modules/b/x.js', 'node_modules/a', 'a', 'test/node_modules/b/x.js'],
])('%s belongs to %s', (path, folder, name, rest) => {
  expect(packageFolderOf(path)).toEqual({ folder, name, rest });
});

it.each([
  'app/index.js',
  'node_modules/.bin/a',
  'node_modules/.cache/a/x.js',
  'node_modules/@s',
  'node_modules',
])('%s belongs to no package', (path) => {
  expect(packageFolderOf(path)).toBeUndefined();
});

it.each([
  ['app/node_modules/a', 'opt/a', true],
  ['app/node_modules/@s/a', 'opt/a', true],
  ['app/node_modules', 'opt/modules', true],
  ['app/node_modules/a/package.json', 'opt/a.json', true],
  ['app/node_modules/a', 'app/node_modules/.pnpm/a@1/node_modules/a', false],
  ['app/node_modules', 'opt/node_modules', false],
  ['app/node_modules/.bin/a', 'opt/a', false],
  ['app/node_modules/a/lib', 'opt/a', false],
  ['app/a', 'opt/a', false],
])('a link %s to %s matters: %s', (path, target, matters) => {
  expect(packageLinkOf(path, target) !== undefined).toBe(matters);
});

async function layered(...layers: readonly (readonly TarEntry[])[]): Promise<Inventory> {
  const stack = [];
  for (const entries of layers) {
    stack.push({ analysis: await analysisOf(await tarOf(entries)), createdBy: undefined });
  }
  return mergeLayers(stack).inventory;
}

async function inFolder(entries: readonly TarEntry[]): Promise<Inventory> {
  await using folder = await temporaryFolder();
  for (const { name, content = '', linkname } of entries) {
    const path = join(folder.path, name);
    await mkdir(dirname(path), { recursive: true });
    await (linkname === undefined ? writeFile(path, content) : symlink(linkname, path));
  }
  return (await readFolder(folder.path, { catalogers, inspectors: [] }, new AbortController().signal))
    .inventory;
}

function told({ components, gaps }: Inventory): string[] {
  return [
    ...components.map(({ name, version }) => `${name} ${version}`),
    ...gaps.map(({ path, reason }) => `${path}: ${reason}`),
  ];
}

const code: TarEntry = { name: 'app/node_modules/lodash/lodash.js', content: 'x' };
const manifest = (content: object): TarEntry => ({
  name: 'app/node_modules/lodash/package.json',
  content: JSON.stringify(content),
});
const link = (name: string, linkname: string): TarEntry => ({ name, type: 'symlink', linkname });
const bare = "a package without a package.json can't be identified; give it one";

describe.each([
  ['a layer', (entries: readonly TarEntry[]) => layered(entries)],
  ['a folder', inFolder],
] as const)('of %s', (_what, read) => {
  it.each<[string, readonly TarEntry[], readonly string[]]>([
    ['a version that is a number', [code, manifest({ name: 'lodash', version: 3.5 })], ['lodash 3.5']],
    ['no name', [code, manifest({ version: '3.5.0' })], ['lodash 3.5.0']],
    ['an invalid name', [code, manifest({ name: 7, version: '3.5.0' })], ['lodash 3.5.0']],
    ['no version', [code, manifest({ name: 'lodash' })], ['lodash ']],
    ['no package.json', [code], [`app/node_modules/lodash: ${bare}`]],
    [
      'a file in place of a folder',
      [{ name: 'app/node_modules/lodash.js', content: 'x' }],
      [`app/node_modules/lodash.js: ${bare}`],
    ],
    ['no code either', [{ name: 'app/node_modules/lodash/README.md', content: 'x' }], []],
    [
      'a package’s own fixtures',
      [
        code,
        manifest({ name: 'lodash', version: '4.17.4' }),
        { name: 'app/node_modules/lodash/test/node_modules/x/index.js', content: 'x' },
        { name: 'app/node_modules/lodash/test/node_modules/y/package.json', content: '{"name":"y"}' },
        { name: 'app/node_modules/lodash/esm/package.json', content: '{"type":"module"}' },
      ],
      ['lodash 4.17.4'],
    ],
    [
      'a link to a package',
      [
        link('app/node_modules/lodash', '../../opt/hidden'),
        { name: 'opt/hidden/package.json', content: '{"name":"lodash","version":"4.17.4"}' },
        { name: 'opt/other/package.json', content: '{"name":"other","version":"1.0.0"}' },
      ],
      ['lodash 4.17.4'],
    ],
    [
      'a link in place of node_modules',
      [
        link('app/node_modules', '/opt/modules'),
        { name: 'opt/modules/lodash/package.json', content: '{"name":"lodash","version":"4.17.4"}' },
      ],
      ['lodash 4.17.4'],
    ],
    [
      'a link to code without a package.json',
      [link('app/node_modules/lodash', '/opt/hidden'), { name: 'opt/hidden/index.js', content: 'x' }],
      [
        'app/node_modules/lodash: a package that is a link to opt/hidden, which has no package.json; give it one',
      ],
    ],
    [
      'a link to the project’s own package, which says no version',
      [
        link('app/node_modules/own', '../own'),
        { name: 'app/own/package.json', content: '{"name":"own","private":true}' },
        { name: 'app/own/index.js', content: 'x' },
      ],
      [],
    ],
    ['a link to nothing', [link('app/node_modules/lodash', '/mnt/later')], []],
  ])('%s', async (_case, entries, expected) => {
    expect(told(await read(entries))).toEqual(expected);
  });
});

describe('layers', () => {
  const whole = [code, manifest({ name: 'lodash', version: '4.17.4' })];
  it('that delete a package.json leave an unknown package', async () => {
    const deleted = { name: 'app/node_modules/lodash/.wh.package.json', content: '' };
    expect(told(await layered(whole, [deleted]))).toEqual([`app/node_modules/lodash: ${bare}`]);
    const all = { name: 'app/node_modules/.wh.lodash', content: '' };
    expect(told(await layered(whole, [deleted], [all]))).toEqual([]);
  });

  it('that change a file of a package keep it known', async () => {
    expect(told(await layered(whole, [code]))).toEqual(['lodash 4.17.4']);
  });

  it('that replace a link by a folder remove its package', async () => {
    const target = { name: 'opt/a/package.json', content: '{"name":"a","version":"1.0.0"}' };
    const linked = [link('app/node_modules/a', '/opt/a'), target];
    const replaced = { name: 'app/node_modules/a/package.json', content: '{"name":"a","version":"2.0.0"}' };
    expect(told(await layered(linked, [replaced]))).toEqual(['a 2.0.0']);
  });
});
