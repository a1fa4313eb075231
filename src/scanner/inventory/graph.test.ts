import { expect, it } from 'vitest';
import { atOnce } from '../turns.ts';
import { openGraph } from './graph.ts';
import type { FoundPackage } from './types.ts';

type Row = readonly [path: string, purl: string, found: Partial<FoundPackage>];

/** The package URL has `name` and `version`. */
function graphOf(rows: readonly Row[], limits?: Parameters<typeof openGraph>[0]) {
  const graph = openGraph(limits);
  for (const [path, purl, found] of rows) {
    const [, ecosystem = '', name = '', version = ''] = /^(\w+)\/(.+)@(.+)$/.exec(purl) ?? [];
    graph.add({ ecosystem: ecosystem as FoundPackage['ecosystem'], name, version, ...found }, purl, path);
  }
  return Object.fromEntries(
    [...atOnce(graph.result())].map(([purl, { dependsOn, needsMore }]) => [
      purl,
      [...dependsOn, ...(needsMore ? ['…'] : [])],
    ]),
  );
}

it('finds npm packages as Node.js does: from the folder upwards', () => {
  const modules = (path: string) => `app/node_modules/${path}/package.json`;
  expect(
    graphOf([
      [modules('a'), 'npm/a@1', { needs: ['b', '@s/c', '?none'] }],
      [modules('a/node_modules/b'), 'npm/b@1', { needs: ['@s/c', 'a'] }],
      [modules('b'), 'npm/b@2', { needs: ['elsewhere'] }],
      [modules('@s/c'), 'npm/@s/c@1', {}],
      ['other/node_modules/elsewhere/package.json', 'npm/elsewhere@1', { needs: [] }],
    ]),
  ).toEqual({
    'npm/a@1': ['npm/@s/c@1', 'npm/b@1'],
    'npm/b@1': ['npm/@s/c@1', 'npm/a@1'],
    'npm/b@2': ['…'],
    'npm/elsewhere@1': [],
  });
});

it('finds npm packages behind links and in archives by name, if it is unique', () => {
  const pnpm = (name: string) => `node_modules/.pnpm/${name}@1/node_modules/${name}/package.json`;
  expect(
    graphOf([
      [pnpm('a'), 'npm/a@1', { needs: ['b', 'c'] }],
      [pnpm('b'), 'npm/b@1', {}],
      [pnpm('c'), 'npm/c@1', {}],
      [pnpm('c2'), 'npm/c@2', { name: 'c', version: '2' }],
      ['.yarn/cache/d.zip', 'npm/d@1', { within: 'node_modules/d/package.json', needs: ['b'] }],
    ]),
  ).toEqual({ 'npm/a@1': ['npm/b@1', '…'], 'npm/d@1': ['npm/b@1'] });
});

it('finds Python packages in the same environment, in any spelling', () => {
  const inFolder = (folder: string, name: string) => `${folder}/${name}.dist-info/METADATA`;
  expect(
    graphOf([
      [inFolder('v1', 'a'), 'pypi/a@1', { needs: ['Zope.Interface', 'x'] }],
      [inFolder('v1', 'zope'), 'pypi/zope_interface@1', {}],
      [inFolder('v2', 'zope'), 'pypi/zope-interface@2', {}],
      [inFolder('v2', 'x'), 'pypi/x@1', { needs: ['zope.interface', 'a'] }],
    ]),
  ).toEqual({
    'pypi/a@1': ['pypi/x@1', 'pypi/zope_interface@1'],
    'pypi/x@1': ['pypi/a@1', 'pypi/zope-interface@2'],
  });
});

it('takes the requested version, the same architecture, and the first alternative present', () => {
  const status = 'var/lib/dpkg/status';
  expect(
    graphOf([
      ['Cargo.lock', 'cargo/a@1', { needs: ['b 2', 'b 3'] }],
      ['Cargo.lock', 'cargo/b@1', {}],
      ['Cargo.lock', 'cargo/b@2', {}],
      [status, 'deb/bash@1', { needs: ['gone|libc6'], architecture: 'i386' }],
      [status, 'deb/libc6@1:amd64', { name: 'libc6', version: '1', architecture: 'amd64' }],
      [status, 'deb/libc6@1:i386', { name: 'libc6', version: '1', architecture: 'i386' }],
    ]),
  ).toEqual({ 'cargo/a@1': ['cargo/b@2', '…'], 'deb/bash@1': ['deb/libc6@1:i386'] });
});

it('joins the needs of a package in all of its places', () => {
  const rows: readonly Row[] = ['x', 'y'].flatMap((app): Row[] => [
    [`${app}/node_modules/a/package.json`, 'npm/a@1', { needs: ['b'] }],
    [`${app}/node_modules/b/package.json`, `npm/b@${app}`, {}],
  ]);
  expect(graphOf(rows)).toEqual({ 'npm/a@1': ['npm/b@x', 'npm/b@y'] });
});

it('says that there are more needs beyond its limits', () => {
  const names = ['a', 'b', 'c', 'd'];
  const rows = names.map((name): Row => ['db', `deb/${name}@1`, { needs: names }]);
  const whole = graphOf(rows);
  expect(whole['deb/d@1']).toEqual(['deb/a@1', 'deb/b@1', 'deb/c@1']);
  const bytes = graphOf(rows, { bytes: 7 * 4, needs: 100 });
  expect(bytes['deb/a@1']).toEqual(['deb/b@1', 'deb/c@1', 'deb/d@1']);
  expect(bytes['deb/b@1']).toEqual(['deb/a@1', '…']);
  expect(graphOf(rows, { bytes: 1000, needs: 4 })['deb/b@1']).toEqual(['…']);
});
