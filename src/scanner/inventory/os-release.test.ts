import { describe, expect, it } from 'vitest';
import { proofOf } from '../scanner.fixture.ts';
import { osReleaseCataloger, releaseFilesCataloger } from './os-release.ts';

describe('os-release', () => {
  it.each([
    [
      'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
      'debian',
      '13',
      'Debian GNU/Linux 13 (trixie)',
    ],
    ['ID=\'alpine\'\nVERSION_ID=3.22.1\nNAME="Alpine Linux"\n', 'alpine', '3.22.1', 'Alpine Linux'],
    ['# a comment\n\nID="rhel"\r\nVERSION_ID="9.4"\r\n', 'rhel', '9.4', 'rhel'],
    [
      'ID="openEuler"\nVERSION="22.03 (LTS-SP1)"\nVERSION_ID="22.03"\n',
      'openeuler',
      '22.03-LTS-SP1',
      'openeuler',
    ],
    ['ID="openEuler"\nVERSION="23.09"\nVERSION_ID="23.09"\n', 'openeuler', '23.09', 'openeuler'],
    ['ID=debian\n', 'debian', '', 'debian'],
    ['PRETTY_NAME="a \\"b\\""\nID=x\n', 'x', '', 'a "b"'],
  ])('%j', async (text, id, versionId, name) => {
    const proof = await proofOf(osReleaseCataloger, 'etc/os-release', text);
    expect(proof).toEqual({ distribution: { id, versionId, name } });
  });

  it.each([
    ['cpe:/o:redhat:enterprise_linux:9::baseos', true],
    ['cpe:2.3:o:amazon:amazon_linux:2023', false],
    ['cpe:2.3:o:fedoraproject:fedora:40:*:*:*:*:*:*:*', true],
    ['cpe:/a:not:a-system', false],
    [`cpe:/o:${'a'.repeat(100)}:b`, false],
  ])('with %s has a CPE name: %s', async (cpe, isKnown) => {
    const proof = await proofOf(osReleaseCataloger, 'etc/os-release', `ID=rhel\nCPE_NAME="${cpe}"\n`);
    expect(proof?.distribution?.cpe).toBe(isKnown ? cpe : undefined);
  });

  it.each(['', 'NAME=Debian\n', 'ID=$(reboot)\n', '\0\xff'])(
    'without a distribution is a gap: %j',
    async (text) => {
      const proof = await proofOf(osReleaseCataloger, 'usr/lib/os-release', text);
      expect(proof?.distribution).toBeUndefined();
      expect(proof?.gaps).toHaveLength(1);
    },
  );
});

describe('files beside os-release', () => {
  it.each([
    ['etc/alpine-release', '3.20.3\n', 'alpine', '3.20.3'],
    [
      'etc/lsb-release',
      'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\n',
      'ubuntu',
      '24.04',
    ],
  ])('%s', async (path, text, id, versionId) => {
    const proof = await proofOf(releaseFilesCataloger, path, text);
    expect(proof?.witness).toMatchObject({ id, versionId });
  });

  it.each([
    ['etc/alpine-release', 'hello'],
    ['etc/lsb-release', 'DISTRIB_ID=LinuxMint\nDISTRIB_RELEASE=22.04\n'],
    ['etc/lsb-release', 'DISTRIB_ID=Ubuntu\n'],
  ])('%s without a release: %j', async (path, text) => {
    expect(await proofOf(releaseFilesCataloger, path, text)).toBeUndefined();
  });
});
