import { describe, expect, it } from 'vitest';
import type { Distribution } from '../types.ts';
import { componentOf, distributionOf, purlOf } from './purl.ts';
import type { FoundPackage } from './types.ts';

const debian: Distribution = { id: 'debian', versionId: '13', name: 'Debian 13' };
const rhel: Distribution = { id: 'rhel', versionId: '9.4', name: 'RHEL' };

const cases: readonly [FoundPackage, Distribution | undefined, string][] = [
  [
    {
      ecosystem: 'deb',
      name: 'libc6',
      version: '1:2.41-12+b1',
      source: { name: 'glibc', version: '1:2.41-12' },
      architecture: 'amd64',
    },
    debian,
    'pkg:deb/debian/libc6@1:2.41-12+b1?arch=amd64&distro=debian-13&upstream=glibc%401%3A2.41-12',
  ],
  [
    {
      ecosystem: 'rpm',
      name: 'nodejs',
      version: '1:18.20-1.el9',
      source: { name: 'nodejs', version: '1:18.20-1.el9' },
      architecture: 'x86_64',
      module: 'nodejs:18',
    },
    rhel,
    'pkg:rpm/rhel/nodejs@18.20-1.el9?arch=x86_64&distro=rhel-9.4&epoch=1&rpmmod=nodejs%3A18',
  ],
  [{ ecosystem: 'npm', name: '@babel/core', version: '7.0.0' }, debian, 'pkg:npm/%40babel/core@7.0.0'],
  [{ ecosystem: 'pypi', name: 'Flask_Login', version: '0.6' }, undefined, 'pkg:pypi/flask-login@0.6'],
  [{ ecosystem: 'maven', name: 'org.a:b', version: '1' }, undefined, 'pkg:maven/org.a/b@1'],
  [
    { ecosystem: 'golang', name: 'github.com/a/b/v2', version: 'v2.0.0' },
    undefined,
    'pkg:golang/github.com/a/b/v2@v2.0.0',
  ],
  [{ ecosystem: 'golang', name: 'stdlib', version: '1.24.1' }, undefined, 'pkg:golang/stdlib@1.24.1'],
  [{ ecosystem: 'golang', name: 'odd', version: 'v1' }, undefined, 'pkg:golang/odd@v1'],
  [{ ecosystem: 'composer', name: 'a/b', version: '1' }, undefined, 'pkg:composer/a/b@1'],
  [{ ecosystem: 'binary', name: 'node', version: '24.21.0' }, undefined, 'pkg:generic/node@24.21.0'],
];

describe('a package URL', () => {
  it.each(cases)('of %o', (found, distribution, expected) => {
    expect(purlOf(found, distribution)).toBe(expected);
  });

  it.each(cases.filter(([found]) => found.name !== 'odd' && found.ecosystem !== 'pypi'))(
    'reads back: %o',
    (found, distribution) => {
      const { module: _module, ...rest } = found;
      expect(componentOf(purlOf(found, distribution))).toMatchObject(rest);
    },
  );

  it.each(['', 'lodash', 'pkg:npm/lodash', 'pkg:nuget/x@1', 'pkg:generic/openssl@3.0', 'pkg:npm/%ff@1'])(
    'that is invalid or of an unknown type is refused: %j',
    (text) => {
      expect(componentOf(text)).toBeUndefined();
    },
  );

  it.each([
    ['pkg:deb/debian/a@1?distro=debian-13', { id: 'debian', versionId: '13' }],
    ['pkg:rpm/x/a@1?arch=x&distro=opensuse-leap-15.6', { id: 'opensuse-leap', versionId: '15.6' }],
    ['pkg:deb/debian/a@1?distro=trixie', undefined],
    ['pkg:npm/a@1', undefined],
  ])('%s is for %o', (text, expected) => {
    expect(distributionOf(text)).toEqual(expected);
  });
});
