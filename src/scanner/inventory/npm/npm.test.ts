import { describe, expect, it } from 'vitest';
import { proofOf } from '../../scanner.fixture.ts';
import type { Cataloger } from '../types.ts';
import { bunLockCataloger } from './bun-lock.ts';
import { npmCataloger } from './package-json.ts';
import { packageLockCataloger } from './package-lock.ts';
import { pnpmLockCataloger } from './pnpm-lock.ts';
import { yarnLockCataloger } from './yarn-lock.ts';

async function named(cataloger: Cataloger, path: string, content: string): Promise<string[] | undefined> {
  const proof = await proofOf(cataloger, path, content);
  return proof?.packages?.map(({ name, version }) => `${name}@${version}`).sort();
}

describe('a package.json below node_modules', () => {
  it.each([
    ['{"name":"a","version":"1.0.0","license":"MIT"}', { name: 'a', version: '1.0.0', licences: ['MIT'] }],
    ['\uFEFF{"name":"@s/a","version":"1.0.0-rc.1"}', { name: '@s/a', version: '1.0.0-rc.1' }],
    [
      '{"name":"a","version":"1","licenses":[{"type":"MIT"},{"type":"BSD"}]}',
      { name: 'a', version: '1', licences: ['MIT', 'BSD'] },
    ],
    [
      '{"name":"a","version":"1","license":{"type":"ISC","url":"x"}}',
      { name: 'a', version: '1', licences: ['ISC'] },
    ],
    ['{"name":"a","version":"1","license":{"__proto__":"ISC"}}', { name: 'a', version: '1' }],
  ])('%s', async (text, expected) => {
    const proof = await proofOf(npmCataloger, 'srv/node_modules/a/package.json', text);
    expect(proof?.packages).toEqual([{ ecosystem: 'npm', needs: [], ...expected }]);
  });

  it.each([
    ['"author":"A <a@example.org> (http://a)"', 'A <a@example.org> (http://a)'],
    ['"author":{"name":"A","email":"a@example.org"}', 'A <a@example.org>'],
    ['"maintainers":[{"name":"B"},{"name":"C"}]', 'B'],
    ['"author":{},"maintainers":"x"', undefined],
    [`"author":"${'a'.repeat(300)}"`, undefined],
  ])('states its author: %.60s', async (field, supplier) => {
    const text = `{"name":"a","version":"1",${field}}`;
    const proof = await proofOf(npmCataloger, 'node_modules/a/package.json', text);
    expect(proof?.packages?.[0]?.supplier).toBe(supplier);
  });

  it('states its needs and its optional needs', async () => {
    const text = JSON.stringify({
      name: 'a',
      version: '1',
      dependencies: { '@s/b': '^1', fsevents: '2', 'no name': '1' },
      optionalDependencies: { fsevents: '2' },
      peerDependencies: { react: '*' },
      devDependencies: { vitest: '1' },
    });
    const proof = await proofOf(npmCataloger, 'node_modules/a/package.json', text);
    expect(proof?.packages?.[0]?.needs).toEqual(['@s/b', '?fsevents', '?react']);
  });

  it.each([
    ['node_modules/a/esm/package.json', '{"type":"module"}'],
    ['node_modules/resolve/test/malformed/package.json', '{ not json'],
  ])('%s with %s proves no package', async (path, text) => {
    expect(await proofOf(npmCataloger, path, text)).toBeUndefined();
  });

  it('without a version is looked up by its folder, too', async () => {
    const proof = await proofOf(npmCataloger, 'node_modules/lodash/package.json', '{"name":"mine"}');
    expect(proof?.packages).toMatchObject([{ name: 'mine', version: '', otherNames: ['lodash'] }]);
  });

  it.each(['{"name":"a"}', '{"name":{"x":1},"version":["1"]}'])(
    'without a version is reported without one: %s',
    async (text) => {
      const proof = await proofOf(npmCataloger, 'node_modules/a/package.json', text);
      expect(proof).toMatchObject({ packages: [{ name: 'a', version: '' }] });
    },
  );

  it('in another place counts only if a link leads to it', async () => {
    const proof = await proofOf(npmCataloger, 'app/package.json', '{"name":"app","version":"1.0.0"}');
    expect(proof).toMatchObject({ packages: [{ name: 'app' }], isLinkedOnly: true });
  });

  it.each(['{', '[]', '"x"', '', `${'['.repeat(100_000)}`])(
    'that is invalid is refused: %.20s',
    async (text) => {
      for (const path of ['node_modules/a/package.json', 'x/node_modules/@s/a/package.json']) {
        await expect(async () => proofOf(npmCataloger, path, text)).rejects.toThrow(/JSON|deep/);
      }
    },
  );
});

describe('a lock file', () => {
  it('of npm, versions 2 and 3', async () => {
    const packages = {
      '': { name: 'app', version: '1.0.0' },
      'packages/own': { version: '1.0.0' },
      'node_modules/own': { link: true, resolved: 'packages/own' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/@s/b': { version: '2.0.0', optional: true },
      'node_modules/a/node_modules/@s/b': { version: '1.0.0' },
      'node_modules/alias': { name: 'real', version: '3.0.0' },
      'node_modules/dev': { version: '1.0.0', dev: true },
    };
    const text = JSON.stringify({ lockfileVersion: 3, packages });
    expect(await named(packageLockCataloger, 'app/package-lock.json', text)).toEqual([
      '@s/b@1.0.0',
      '@s/b@2.0.0',
      'a@1.0.0',
      'real@3.0.0',
    ]);
    expect(await named(packageLockCataloger, 'node_modules/x/package-lock.json', text)).toBeUndefined();
  });

  it('of npm states the needed version: the nearest, under its real name', async () => {
    const packages = {
      '': { name: 'app', version: '1.0.0', dependencies: { a: '1' } },
      'packages/own/node_modules/c': { version: '9.0.0', dependencies: { a: '1' } },
      'node_modules/a': { version: '1.0.0', dependencies: { b: '1', alias: '3', gone: '1' } },
      'node_modules/b': { version: '2.0.0' },
      'node_modules/a/node_modules/b': { version: '1.0.0', peerDependencies: { a: '*', none: '*' } },
      'node_modules/alias': { name: 'real', version: '3.0.0' },
    };
    const needs = async (document: object) =>
      (await proofOf(packageLockCataloger, 'app/package-lock.json', JSON.stringify(document)))?.packages?.map(
        ({ name, version, needs }) => [`${name} ${version}`, ...(needs ?? [])],
      );
    expect(await needs({ lockfileVersion: 3, packages })).toEqual([
      ['c 9.0.0', 'a 1.0.0'],
      ['a 1.0.0', 'b 1.0.0', 'real 3.0.0', 'gone'],
      ['b 2.0.0'],
      ['b 1.0.0', '?a 1.0.0', '?none'],
      ['real 3.0.0'],
    ]);
    const dependencies = {
      a: { version: '1.0.0', requires: { b: '1', c: '1' }, dependencies: { b: { version: '1.0.0' } } },
      b: { version: '2.0.0' },
      c: { version: '3.0.0', requires: { b: '2' } },
    };
    expect(await needs({ lockfileVersion: 1, dependencies })).toEqual([
      ['a 1.0.0', 'b 1.0.0', 'c 3.0.0'],
      ['b 1.0.0'],
      ['b 2.0.0'],
      ['c 3.0.0', 'b 2.0.0'],
    ]);
  });

  it('of npm, version 1', async () => {
    const dependencies = {
      a: {
        version: '1.0.0',
        dependencies: { b: { version: '2.0.0' }, dev: { version: '1.0.0', dev: true } },
      },
      alias: { version: 'npm:@s/real@3.0.0' },
    };
    const text = JSON.stringify({ lockfileVersion: 1, dependencies });
    expect(await named(packageLockCataloger, 'npm-shrinkwrap.json', text)).toEqual([
      '@s/real@3.0.0',
      'a@1.0.0',
      'b@2.0.0',
    ]);
  });

  it.each([
    [
      'version 1',
      'a@^1.0.0:\n  version "1.0.0"\n  dependencies:\n    "@s/b" "^2.0.0"\n    gone "1"\n  optionalDependencies:\n    c "^3"\n\n' +
        '"@s/b@^1.0.0":\n  version "1.0.0"\n\n"@s/b@^2.0.0", "@s/b@^2.1.0":\n  version "2.1.0"\n\nc@^3:\n  version "3.0.0"\n',
    ],
    [
      'later',
      '"a@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "a@npm:1.0.0"\n  dependencies:\n    "@s/b": "npm:^2.0.0"\n    gone: 1\n' +
        '  bin:\n    no: x\n  optionalDependencies:\n    c: ^3\n\n' +
        '"@s/b@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "@s/b@npm:1.0.0"\n\n' +
        '"@s/b@npm:^2.0.0, @s/b@npm:^2.1.0":\n  version: 2.1.0\n  resolution: "@s/b@npm:2.1.0"\n\n"c@npm:^3":\n  version: 3.0.0\n  resolution: "c@npm:3.0.0"\n',
    ],
  ])('of yarn states the needed version: %s', async (_which, text) => {
    const proof = await proofOf(yarnLockCataloger, 'yarn.lock', text);
    expect(proof?.packages?.map(({ needs }) => needs)).toEqual([
      ['@s/b 2.1.0', 'gone', '?c 3.0.0'],
      [],
      [],
      [],
    ]);
  });

  it('of yarn, version 1', async () => {
    const text = `# yarn lockfile v1


"@babel/core@^7.0.0", "@babel/core@^7.1.0":
  version "7.26.0"
  resolved "https://registry.example/core.tgz#abc"
  dependencies:
    version "1.0.0"

lodash@^4.17.0:
  version "4.17.21"

"alias@npm:real@^1.0.0":
  version "1.2.3"
`;
    expect(await named(yarnLockCataloger, 'yarn.lock', text)).toEqual([
      '@babel/core@7.26.0',
      'lodash@4.17.21',
      'real@1.2.3',
    ]);
  });

  it('of yarn, since version 2', async () => {
    const text = `__metadata:
  version: 8

"@babel/core@npm:^7.0.0":
  version: 7.26.0
  resolution: "@babel/core@npm:7.26.0"
  dependencies:
    lodash: "npm:^4.17.0"

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."

"lodash@npm:^4.17.0, lodash@npm:^4.1.0":
  version: 4.17.21
  resolution: "lodash@npm:4.17.21"
`;
    expect(await named(yarnLockCataloger, 'yarn.lock', text)).toEqual([
      '@babel/core@7.26.0',
      'lodash@4.17.21',
    ]);
  });

  it.each([
    [
      '5.4',
      `lockfileVersion: 5.4

packages:

  /@babel/core/7.26.0_supports-color@9.0.0:
    resolution: {integrity: sha512-x}
    dev: false

  /lodash/4.17.21:
    resolution: {integrity: sha512-x}

  /jest/29.0.0:
    resolution: {integrity: sha512-x}
    dev: true
`,
    ],
    [
      '6',
      `lockfileVersion: '6.0'

dependencies:
  lodash:
    specifier: ^4.0.0
    version: 4.17.21

packages:

  /@babel/core@7.26.0(supports-color@9.0.0):
    resolution: {integrity: sha512-x}

  /lodash@4.17.21:
    resolution: {integrity: sha512-x}

  /jest@29.0.0:
    resolution: {integrity: sha512-x}
    dev: true
`,
    ],
    [
      '9',
      `lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      lodash:
        version: 4.17.21

packages:

  '@babel/core@7.26.0':
    resolution: {integrity: sha512-x}

  lodash@4.17.21:
    resolution: {integrity: sha512-x}

  own@file:../own:
    resolution: {directory: ../own, type: directory}

snapshots:

  ghost@1.0.0: {}
`,
    ],
  ])('of pnpm, version %s', async (_version, text) => {
    expect(await named(pnpmLockCataloger, 'pnpm-lock.yaml', text)).toEqual([
      '@babel/core@7.26.0',
      'lodash@4.17.21',
    ]);
  });

  it('of bun', async () => {
    const text = `{
  "lockfileVersion": 1,
  "workspaces": { "": { "name": "app", }, },
  "packages": {
    "lodash": ["lodash@4.17.21", "", {}, "sha512-x,]"],
    "@s/own": ["@s/own@workspace:packages/own"],
    "a/lodash": ["lodash@3.10.1", "", { "bin": { "l": "x,}" } }, "sha512-x"],
  },
}`;
    expect(await named(bunLockCataloger, 'bun.lock', text)).toEqual(['lodash@3.10.1', 'lodash@4.17.21']);
  });

  it('names the folder in which it counts only if nothing is installed', async () => {
    const proof = await proofOf(packageLockCataloger, 'srv/app/package-lock.json', '{"packages":{}}');
    expect(proof?.wishedFor).toBe('srv/app/node_modules/');
  });

  it.each([
    [packageLockCataloger, 'package-lock.json', '{'],
    [packageLockCataloger, 'package-lock.json', '[]'],
    [bunLockCataloger, 'bun.lock', '{"packages": '],
    [bunLockCataloger, 'bun.lock', `"${'\\"'.repeat(200_000)}`],
    [pnpmLockCataloger, 'pnpm-lock.yaml', 'packages:\n'],
  ] as const)('that is damaged is refused: $name', async (cataloger, path, text) => {
    await expect(async () => proofOf(cataloger, path, text)).rejects.toThrow(/JSON|version/);
  });
});
