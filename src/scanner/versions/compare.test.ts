import fc from 'fast-check';
import reference from 'semver';
import { expect, test } from 'vitest';
import type { Ecosystem } from '../types.ts';
import { compareVersions } from './compare.ts';

/** Versions in strictly ascending order. */
const ascending: readonly (readonly [Ecosystem, readonly string[]])[] = [
  [
    'deb',
    ['1.0~~', '1.0~rc1-1', '1.0', '1.0-1', '1.0-1+b1', '1.0a', '1.0+b1', '1.0.1', '1.10', '1:0', '2:0~'],
  ],
  ['deb', ['3.0.16-1~deb13u1', '3.0.16-1', '3.0.17-1~deb13u1', '3.0.17-1~deb13u2']],
  [
    'apk',
    ['1.2_alpha', '1.2_alpha1', '1.2_beta', '1.2_rc1', '1.2', '1.2-r0', '1.2-r10', '1.2_p1', '1.2a', '1.2.3'],
  ],
  ['apk', ['1.01', '1.05', '1.1', '1.8.31', '1.8.31p1-r1', '1.8.31p2-r0', '1.9']],
  [
    'rpm',
    ['0:1.0~rc1-1', '1.0-1.el9', '1.0-1.el9_2', '1.0^git1-1', '1.0a-1', '1.0.1-1', '1.10-1', '1:0.1-1'],
  ],
  [
    'npm',
    [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0',
      'v1.0.1',
      '1.1',
      '2',
    ],
  ],
  ['npm', ['1.1.3.4.4', '1.1.3.4.5', '1.1.4', '99999999999999999999.0.0', '100000000000000000000.0.0']],
  ['cargo', ['0.0.0-0', '0.1.0', '0.1.20', '1.0.0-rc.1', '1.0.0']],
  [
    'pypi',
    [
      '0.1-bulbasaur',
      '1.0.dev1',
      '1.0a1',
      '1.0b2',
      '1.0rc1',
      '1.0',
      '1.0+local',
      '1.0.post1',
      '1.1',
      '1!0.1',
    ],
  ],
  [
    'golang',
    [
      'v0.0.0-20180101000000-abcdefabcdef',
      'v0.0.0-20200101000000-abcdefabcdef',
      'v0.1.0',
      'v1.2.4-0.20200101000000-abcdefabcdef',
      '1.2.4',
      'v2.0.0+incompatible',
    ],
  ],
  ['golang', ['go1.20.5', 'go1.21rc2', '1.21.0', 'go1.21.1', 'go1.22.1 X:boringcrypto']],
  [
    'maven',
    [
      '1.0-alpha-1',
      '1.0-b2',
      '1.0-m1',
      '1.0-rc1',
      '1.0-SNAPSHOT',
      '1.0',
      '1.0-sp',
      '1.0-foo',
      '1.0-1',
      '1.0.1',
      '1.10',
    ],
  ],
  ['maven', ['2.0-beta9', '2.14.1', '2.15.0-rc1', '2.15.0', '2.17.1']],
  ['gem', ['1.0.a', '1.0.a9', '1.0.a10', '1.0.b', '1.0', '1.0.1', '1.10']],
  ['composer', ['1.0-dev', '1.0a1', '1.0b1', '1.0RC1', '1.0', 'v1.0.1', '1.10', '1.10pl1']],
  ['composer', ['2.9.1', '3.0', '3.1.9', '3.1.x-dev', '3.2.0', '3.x-dev', '4.0-dev', '4.0.0']],
  ['binary', ['8.9.9', '20.1.0', 'v24.0.0-rc.1', 'v24.0.0']],
];

test.each(ascending)('%s: %j ascend', (ecosystem, versions) => {
  for (const [i, a] of versions.entries()) {
    for (const [j, b] of versions.entries()) {
      expect([a, b, Math.sign(compareVersions(ecosystem, a, b) ?? Number.NaN)]).toEqual([
        a,
        b,
        Math.sign(i - j),
      ]);
    }
  }
});

test.each<readonly [Ecosystem, string, string]>([
  ['deb', '2.0', '2.0-0'],
  ['deb', '0:1.0-1', '1.00-1'],
  ['apk', '1.0-r', '1.0-r0'],
  ['rpm', '1.0-1', '1.0'],
  ['rpm', '0:1_0-1', '1.0-1'],
  ['npm', '1.0.0+build', '=v1.0.0'],
  ['npm', '1.2', '1.2.0'],
  ['pypi', '1.0-RC.1', '1.0.0rc1'],
  ['golang', 'v3.1.0+incompatible', '3.1'],
  ['maven', '1.0.0.Final', '1'],
  ['maven', '1.0-cr2', '1.0-rc2'],
  ['gem', '1.0', '1.0.0'],
  ['composer', '1.0-beta2', '1.0b2'],
  ['composer', 'v3.X-dev', '3.9999999.9999999.9999999-dev'],
])('%s: %s equals %s', (ecosystem, a, b) => {
  expect(compareVersions(ecosystem, a, b)).toBe(0);
});

test.each<readonly [Ecosystem, string]>([
  ['deb', ''],
  ['deb', 'a:1'],
  ['apk', 'edge'],
  ['rpm', '1 2'],
  ['npm', 'git+https://example.org/a.git'],
  ['npm', 'latest'],
  ['golang', '(devel)'],
  ['golang', ''],
  ['maven', '1 2'],
  ['gem', 'x1'],
  ['composer', 'dev-main'],
  ['composer', 'dev-3.x'],
  ['composer', 'main'],
])('%s: %s has no order', (ecosystem, version) => {
  expect(compareVersions(ecosystem, version, '1.0')).toBeUndefined();
  expect(compareVersions(ecosystem, '1.0', version)).toBeUndefined();
  expect(compareVersions(ecosystem, version, version)).toBe(0);
});

test('text that is longer than any version is not a version', () => {
  expect(compareVersions('npm', '9'.repeat(600), '1.0')).toBeUndefined();
});

const number = fc.nat(30).map(String);
const identifier = fc.oneof(number, fc.stringMatching(/^[a-z-]{1,3}$/));
const semanticVersion = fc
  .tuple(fc.array(number, { minLength: 3, maxLength: 3 }), fc.array(identifier, { maxLength: 3 }))
  .map(([core, pre]) => core.join('.') + (pre.length > 0 ? `-${pre.join('.')}` : ''));

test('npm: the order is that of the semver package', () => {
  fc.assert(
    fc.property(semanticVersion, semanticVersion, (a, b) => {
      expect(Math.sign(compareVersions('npm', a, b) ?? Number.NaN)).toBe(reference.compare(a, b));
    }),
  );
});

const ecosystems: readonly Ecosystem[] = [
  'deb',
  'apk',
  'rpm',
  'npm',
  'pypi',
  'golang',
  'maven',
  'gem',
  'composer',
];
const anything = fc.stringMatching(/^[0-9a-z.~^+_:-]{0,12}$/);

test.each(ecosystems)('%s: swapping two versions flips the result', (ecosystem) => {
  fc.assert(
    fc.property(anything, anything, (a, b) => {
      const there = compareVersions(ecosystem, a, b);
      const back = compareVersions(ecosystem, b, a);
      expect(there === undefined ? back : Math.sign(there)).toBe(
        back === undefined ? undefined : 0 - Math.sign(back),
      );
    }),
    { numRuns: 500 },
  );
});
