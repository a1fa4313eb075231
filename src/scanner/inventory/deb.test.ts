import { describe, expect, it } from 'vitest';
import { proofOf } from '../scanner.fixture.ts';
import { debCataloger, debFilesCataloger } from './deb.ts';

const status = `Package: libc6
Status: install ok installed
Priority: optional
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.41-12
Depends: libgcc-s1, libcrypt1 (>= 1:4.4)
Description: GNU C Library: Shared libraries
 Contains the standard libraries.
 .
 Version: 1.0 in a description is none

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.37-2+b5
Source: bash (5.2.37-2)
Pre-Depends: libc6 (>= 2.38)
Depends: none | awk:any
Maintainer: Matthias Klose <doko@debian.org>

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: half
Status: install ok half-configured
Provides: awk (= 1.3), editor
Depends: half, gone | bash
Version: 1:2.0~rc1-1

Package: nodejs
Version: 22.1.0-1nodesource1
Maintainer: Ivan Iguaran <ivan@nodesource.com>
`;

describe('the status file of dpkg', () => {
  it('proves installed packages with their source packages', async () => {
    const proof = await proofOf(debCataloger, 'var/lib/dpkg/status', status);
    expect(proof?.packages).toEqual([
      {
        ecosystem: 'deb',
        name: 'libc6',
        version: '2.41-12',
        source: { name: 'glibc', version: '2.41-12' },
        architecture: 'amd64',
        supplier: 'GNU Libc Maintainers <debian-glibc@lists.debian.org>',
        needs: [],
        needsMore: true,
      },
      {
        ecosystem: 'deb',
        name: 'bash',
        version: '5.2.37-2+b5',
        source: { name: 'bash', version: '5.2.37-2' },
        architecture: 'amd64',
        supplier: 'Matthias Klose <doko@debian.org>',
        needs: ['libc6', 'half'],
      },
      {
        ecosystem: 'deb',
        name: 'half',
        version: '1:2.0~rc1-1',
        source: { name: 'half', version: '1:2.0~rc1-1' },
        needs: ['bash'],
      },
      {
        ecosystem: 'deb',
        name: 'nodejs',
        version: '22.1.0-1nodesource1',
        source: { name: 'nodejs', version: '22.1.0-1nodesource1' },
        foreign: true,
        supplier: 'Ivan Iguaran <ivan@nodesource.com>',
        needs: [],
      },
    ]);
    expect(proof?.gaps).toEqual([]);
  });

  it('of a distroless image proves one package', async () => {
    const proof = await proofOf(
      debCataloger,
      'var/lib/dpkg/status.d/tzdata',
      'Package: tzdata\nVersion: 2025b-4\nDepends: debconf (>= 0.5) | debconf-2.0, xz\n',
    );
    expect(proof?.packages?.[0]?.needs).toEqual(['debconf|debconf-2.0', 'xz']);
    expect(proof?.packages?.map(({ name, version }) => `${name} ${version}`)).toEqual(['tzdata 2025b-4']);
    expect(await proofOf(debCataloger, 'var/lib/dpkg/status.d/tzdata.md5sums', 'x')).toBeUndefined();
  });

  it.each([
    ['Package: a\nStatus: install ok installed\n', 'without name or version'],
    ['Version: 1\n', 'without name or version'],
    ['hello', 'not a status file'],
    ['\0\0\0', 'not a status file'],
  ])('that is damaged is a gap: %j', async (text, reason) => {
    const proof = await proofOf(debCataloger, 'var/lib/dpkg/status', text);
    expect(proof?.gaps?.join()).toContain(reason);
  });

  it('proves all packages before a cut', async () => {
    const proof = await proofOf(
      debCataloger,
      'var/lib/dpkg/status',
      status.slice(0, status.indexOf('Package: gone') + 20),
    );
    expect(proof?.packages?.map(({ name }) => name)).toEqual(['libc6', 'bash']);
    expect(proof?.gaps).toHaveLength(1);
  });
});

describe('a list of files of dpkg', () => {
  it.each([
    [
      'var/lib/dpkg/info/libc6:amd64.list',
      '/.\n/usr\n/usr/lib/libc.so.6\n/opt/own/x\n',
      'libc6',
      ['usr/lib/libc.so.6 '],
    ],
    [
      'var/lib/dpkg/info/libc6:amd64.md5sums',
      'd41d8cd98f00b204e9800998ecf8427e  usr/lib/libc.so.6\nbroken\n',
      'libc6',
      ['usr/lib/libc.so.6 d41d8cd98f00b204e9800998ecf8427e'],
    ],
    [
      'var/lib/dpkg/status.d/tzdata.md5sums',
      'd41d8cd98f00b204e9800998ecf8427e  usr/lib/tz\n',
      'var/lib/dpkg/status.d/tzdata',
      ['usr/lib/tz d41d8cd98f00b204e9800998ecf8427e'],
    ],
  ])('%s', async (path, text, by, paths) => {
    const owns = (await proofOf(debFilesCataloger, path, text))?.owns ?? [];
    const told = owns.flatMap((each) => each.paths.map((file, at) => `${file} ${each.digests[at]}`));
    expect([owns.map((each) => each.by), told]).toEqual([[by], paths]);
  });
});
