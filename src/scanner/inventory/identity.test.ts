/** What packages and other files say about the distribution when os-release says nothing or something else. */
import { describe, expect, it } from 'vitest';
import { identify } from './identity.ts';
import type { FoundPackage, StandingEvidence, Witness } from './types.ts';

function deb(name: string, version: string): FoundPackage {
  return { ecosystem: 'deb', name, version };
}

function apk(name: string, version: string): FoundPackage {
  return { ecosystem: 'apk', name, version };
}

function rpm(version: string, supplier: string): FoundPackage {
  return { ecosystem: 'rpm', name: `a-${version}`, version, supplier };
}

interface Case {
  readonly stated?: readonly [id: string, versionId: string];
  readonly packages?: readonly FoundPackage[];
  readonly witness?: Omit<Witness, 'by'>;
}

/** `id version`, and the reported reason. */
function identified({ stated, packages, witness }: Case): readonly string[] {
  const [id = '', versionId = ''] = stated ?? [];
  const evidence = [
    { path: 'etc/os-release', ...(stated && { distribution: { id, versionId, name: 'Stated' } }) },
    { path: 'db', packages, ...(witness && { witness: { ...witness, by: 'file' } }) },
  ];
  const standing: StandingEvidence[] = evidence.map((each) => ({
    evidence: each,
    originOf: () => undefined,
  }));
  const { distribution, gaps } = identify(standing);
  const told = gaps.map(({ path, reason }) => `${path}: ${reason}`);
  return [`${distribution?.id} ${distribution?.versionId}`, ...told];
}

const trixie = [deb('base-files', '13.8+deb13u1'), deb('libc6', '2.41-12')];
const jammy = [deb('base-files', '12ubuntu4.6'), deb('ca-certificates', '20240203~22.04.1')];
const el9 = [rpm('5.1-2.el9', 'Red Hat, Inc.'), rpm('2.34-1.el9_4.2', 'Red Hat, Inc.'), rpm('1-1', 'Me')];

describe('os-release counts', () => {
  it.each<[Case, string]>([
    [{ stated: ['debian', '13'], packages: trixie }, 'debian 13'],
    [{ stated: ['debian', '13.2'], packages: trixie }, 'debian 13.2'],
    [{ stated: ['debian', '13'], packages: [deb('libc6', '2.41-12')] }, 'debian 13'],
    [{ stated: ['debian', '12'], packages: [deb('base-files', '12.4+deb12u5')] }, 'debian 12'],
    [{ stated: ['debian', ''], packages: [deb('base-files', '14')] }, 'debian '],
    [{ stated: ['ubuntu', '22.04'], packages: jammy }, 'ubuntu 22.04'],
    [{ stated: ['alpine', '3.20.3'], packages: [apk('alpine-release', '3.20.3-r0')] }, 'alpine 3.20.3'],
    [
      { stated: ['alpine', '3.21.0_alpha1'], packages: [apk('alpine-release', '3.21.0_alpha9-r0')] },
      'alpine 3.21.0_alpha1',
    ],
    [
      { stated: ['wolfi', '20230201'], packages: [apk('wolfi-baselayout', '20230201-r20')] },
      'wolfi 20230201',
    ],
    [{ stated: ['rhel', '9.4'], packages: el9 }, 'rhel 9.4'],
    [
      { stated: ['rocky', '9.4'], packages: [rpm('1-1.el9', 'Rocky Enterprise Software Foundation')] },
      'rocky 9.4',
    ],
    [{ stated: ['eurolinux', '9.4'], packages: [rpm('1-1.el9', 'EuroLinux')] }, 'eurolinux 9.4'],
    [{ stated: ['photon', '5.0'], packages: [rpm('1-1.ph5', 'VMware')] }, 'photon 5.0'],
    [
      { stated: ['openeuler', '22.03-LTS-SP1'], packages: [rpm('1-1.oe2203sp1', 'openEuler')] },
      'openeuler 22.03-LTS-SP1',
    ],
    [{ stated: ['kali', '2025.1'], packages: [deb('base-files', '1:2025.1.0')] }, 'kali 2025.1'],
    [{ stated: ['sles', '15.6'], packages: [rpm('1-150600.1', 'SUSE LLC')] }, 'sles 15.6'],
  ])('as long as nothing disagrees: %j', (what, expected) => {
    expect(identified(what)).toEqual([expected]);
  });

  it.each<[Case, string]>([
    [{ stated: ['debian', ''], packages: trixie }, 'debian 13'],
    [{ stated: ['ubuntu', ''], packages: jammy }, 'ubuntu 22.04'],
    [
      { stated: ['ubuntu', ''], packages: jammy.slice(0, 1), witness: { id: 'ubuntu', versionId: '22.04' } },
      'ubuntu 22.04',
    ],
    [{ stated: ['alpine', ''], packages: [apk('alpine-release', '3.20.3-r0')] }, 'alpine 3.20.3'],
    [{ stated: ['alpine', ''], witness: { id: 'alpine', versionId: '3.16.2' } }, 'alpine 3.16.2'],
    [{ stated: ['rhel', ''], packages: el9 }, 'rhel 9'],
    [{ packages: trixie }, 'debian 13'],
    [{ packages: [deb('libc6', '2.41-12')] }, 'undefined undefined'],
  ])('and is completed where it says nothing: %j', (what, expected) => {
    expect(identified(what)).toEqual([expected]);
  });
});

describe('a changed line of os-release has no effect and is reported', () => {
  it.each<[Case, string, string]>([
    [
      { stated: ['foo', '1'], packages: trixie },
      'debian 13',
      'it says foo 1, but the installed packages are from debian 13 (base-files 13.8+deb13u1)',
    ],
    [{ stated: ['ubuntu', '13'], packages: trixie }, 'debian 13', 'it says ubuntu 13, but'],
    [{ stated: ['debian', '14'], packages: trixie }, 'debian 13', 'it says debian 14, but'],
    [
      { stated: ['debian', '12'], packages: [deb('openssl', '3.5.1-1+deb13u1')] },
      'debian 13',
      'from debian 13 (openssl 3.5.1-1+deb13u1)',
    ],
    [
      { stated: ['debian', '12'], packages: jammy },
      'ubuntu 22.04',
      'from ubuntu 22.04 (base-files 12ubuntu4.6)',
    ],
    [{ stated: ['ubuntu', '26.04'], packages: jammy }, 'ubuntu 22.04', 'it says ubuntu 26.04, but'],
    [
      { stated: ['foo', ''], packages: [apk('alpine-release', '3.20.3-r0')] },
      'alpine 3.20.3',
      'it says foo, but',
    ],
    [{ stated: ['alpine', '3.99'], packages: [apk('alpine-release', '3.20.3-r0')] }, 'alpine 3.20.3', '3.99'],
    [{ stated: ['alpine', '3.99'], witness: { id: 'alpine', versionId: '3.16.2' } }, 'alpine 3.16.2', '3.99'],
    [
      { stated: ['wolfi', '1'], packages: [apk('chainguard-baselayout', '1-r0')] },
      'chainguard ',
      'from chainguard (',
    ],
    [
      { stated: ['rocky', '9.4'], packages: el9 },
      'rhel 9',
      'from rhel 9 (most packages have the tag .el9 and the vendor Red Hat, Inc.)',
    ],
    [{ stated: ['rhel', '8.4'], packages: el9 }, 'rhel 9', 'it says rhel 8.4, but'],
    [{ stated: ['rhel', '9'], packages: [rpm('1-1.fc41', 'Fedora Project')] }, 'fedora 41', 'from fedora 41'],
  ])('%j', (what, expected, told) => {
    const [found, gap] = identified(what);
    expect(found).toBe(expected);
    expect(gap).toContain(`etc/os-release: `);
    expect(gap).toContain(told);
  });

  it('packages of other vendors don’t count', () => {
    const foreign = { ...deb('docker-ce', '1+deb14u1'), foreign: true };
    expect(identified({ stated: ['debian', '13'], packages: [...trixie, foreign] })).toEqual(['debian 13']);
  });
});
