import { expect, test } from 'vitest';
import { distribution } from './advisories.fixture.ts';
import { releaseMatches, spellRelease } from './releases.ts';

test.each([
  ['debian', '13', 'Debian', '13'],
  ['debian', '12.4', 'Debian', '12'],
  ['ubuntu', '24.04', 'Ubuntu', '24.04:LTS'],
  ['ubuntu', '18.04', 'Ubuntu', 'Pro:18.04:LTS'],
  ['alpine', '3.20.3', 'Alpine', 'v3.20'],
  ['alpine', '3.21.0_alpha20240606', 'Alpine', 'edge'],
  ['wolfi', '20230201', 'Wolfi', ''],
  ['rhel', '9.4', 'Red Hat', 'enterprise_linux:9::baseos'],
  ['centos', '7', 'Red Hat', 'enterprise_linux:7::server'],
  ['rocky', '9.4', 'Rocky Linux', '9'],
  ['almalinux', '8.9', 'AlmaLinux', '8'],
  ['opensuse-leap', '15.6', 'openSUSE', 'Leap 15.6'],
  ['opensuse-tumbleweed', '20240101', 'openSUSE', 'Tumbleweed'],
  ['sles', '15.5', 'SUSE', 'Linux Enterprise Module for Basesystem 15 SP5'],
  ['sles', '15.3', 'SUSE', 'Linux Enterprise Server 15 SP3-LTSS'],
  ['sles', '16.0', 'SUSE', 'Linux Enterprise Server 16.0'],
  ['mageia', '9', 'Mageia', '9'],
  ['photon', '4.0', 'Photon OS', '4.0'],
  ['azurelinux', '3.0', 'Azure Linux', '3'],
  ['mariner', '2.0', 'Azure Linux', '2'],
  ['openeuler', '22.03-LTS-SP1', 'openEuler', '22.03-LTS-SP1'],
])('%s %s is %s:%s', (id, versionId, ecosystem, suffix) => {
  const match = releaseMatches(distribution(id, versionId)).find((each) => each.ecosystem === ecosystem);
  expect(match?.accepts(spellRelease(ecosystem, suffix))).toBe(true);
  expect(match?.accepts('')).toBe(true);
  expect(match?.accepts('77')).toBe(false);
});

test.each([
  ['debian', '13', 'Debian', '1'],
  ['ubuntu', '24.04', 'Ubuntu', '24.10'],
  ['ubuntu', '20.04', 'Ubuntu', 'Pro:FIPS:20.04:LTS'],
  ['ubuntu', '22.04', 'Ubuntu', 'Pro:FIPS-updates:22.04:LTS'],
  ['rhel', '9', 'Red Hat', 'rhel_eus:9.2::baseos'],
  ['sles', '15.5', 'SUSE', 'Linux Enterprise Server 15 SP4'],
  ['alpine', '3.2.3', 'Alpine', 'v3.20'],
])('%s %s is not %s:%s', (id, versionId, ecosystem, suffix) => {
  const match = releaseMatches(distribution(id, versionId)).find((each) => each.ecosystem === ecosystem);
  expect(match?.accepts(spellRelease(ecosystem, suffix))).toBe(false);
});

test.each([
  ['wolfi', 'Wolfi'],
  ['chainguard', 'Chainguard'],
])('%s uses only its own advisories', (id, ecosystem) => {
  const matches = releaseMatches(distribution(id, '20230201'));
  expect(matches.map((each) => each.ecosystem)).toEqual([ecosystem]);
});

test('an unknown distribution has no advisories', () => {
  expect(releaseMatches(undefined)).toEqual([]);
  expect(releaseMatches(distribution('constructor', '1'))).toEqual([]);
});
