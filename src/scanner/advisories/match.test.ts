import { expect, test } from 'vitest';
import {
  component,
  databaseOf,
  distribution,
  idsOf,
  osv,
  upTo,
  vulnerabilities,
} from './advisories.fixture.ts';

const debian13 = distribution('debian', '13');

test('advisories that share a name are one finding, with all names and the CVE first', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({ id: 'PYSEC-2024-1', ecosystem: 'PyPI', aliases: ['GHSA-aaaa-bbbb-cccc'], events: upTo('1.5') }),
      osv({ id: 'GHSA-aaaa-bbbb-cccc', ecosystem: 'PyPI', aliases: ['CVE-2024-1111'], events: upTo('1.6') }),
      osv({ id: 'PYSEC-2024-2', ecosystem: 'PyPI', aliases: ['CVE-2024-2222'], events: upTo('2.0') }),
    ],
  });
  const found = database.match([component('pypi', 'thing', '1.0')], undefined);
  expect(idsOf(found)).toEqual(['CVE-2024-1111', 'CVE-2024-2222']);
  expect(found[0]).toMatchObject({
    id: 'CVE-2024-1111',
    aliases: ['GHSA-aaaa-bbbb-cccc', 'PYSEC-2024-1'],
    // The other advisory still calls 1.5 affected.
    fixedIn: ['1.6'],
    status: 'fixed',
    component: { ecosystem: 'pypi', name: 'thing', version: '1.0' },
    places: [{ path: 'usr/thing' }],
  });
});

test('the nearest fix comes first', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({
        id: 'GHSA-1',
        events: [{ introduced: '2.0.0' }, { fixed: '2.3.1' }, { introduced: '0' }, { fixed: '1.10.2' }],
      }),
    ],
  });
  const [found] = vulnerabilities(database.match([component('npm', 'thing', '1.9.0')], undefined));
  expect(found?.fixedIn).toEqual(['1.10.2', '2.3.1']);
});

test('packages of a distribution are matched by the name and version of their source package', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({ id: 'DEBIAN-CVE-2024-1', ecosystem: 'Debian:13', name: 'openssl', events: upTo('3.0.2-1') }),
      osv({ id: 'DEBIAN-CVE-2024-0001', ecosystem: 'Debian:13', name: 'openssl', events: upTo('3.0.2-1') }),
      osv({ id: 'DEBIAN-CVE-2024-0002', ecosystem: 'Debian:12', name: 'openssl', events: upTo('9') }),
      osv({ id: 'DEBIAN-CVE-2024-0003', ecosystem: 'Debian', name: 'openssl', events: upTo('9') }),
      osv({ id: 'DEBIAN-CVE-2024-0004', ecosystem: 'Debian:13', name: 'libssl3', events: upTo('9') }),
      osv({ id: 'UBUNTU-CVE-2024-0005', ecosystem: 'Ubuntu:24.04:LTS', name: 'openssl', events: upTo('9') }),
    ],
  });
  const source = { name: 'openssl', version: '3.0.1-1' };
  const library = component('deb', 'libssl3', '3.0.1-1+b9', { source });
  expect(idsOf(database.match([library], debian13))).toEqual([
    'CVE-2024-0001',
    'CVE-2024-0003',
    'DEBIAN-CVE-2024-1',
  ]);
  expect(idsOf(database.match([library], distribution('ubuntu', '24.04')))).toEqual(['CVE-2024-0005']);
  expect(database.match([library], undefined)).toEqual([]);
  expect(database.match([library], distribution('fedora', '41'))).toEqual([]);
  expect(database.covers(debian13)).toBe(true);
  expect(database.covers(distribution('fedora', '41'))).toBe(false);
  expect(database.covers(distribution('ubuntu', '22.04'))).toBe(false);
  expect(database.knows(debian13)).toBe(true);
  // No source covers the first; the second does not name its release; the release of the third does not exist.
  expect(database.knows(distribution('fedora', '41'))).toBe(false);
  expect(database.knows(distribution('ubuntu', ''))).toBe(false);
  expect(database.knows(distribution('ubuntu', '99.04'))).toBe(false);
  // The database has no advisories for this release, which is a different case.
  expect(database.knows(distribution('rocky', '9'))).toBe(true);
});

test('an advisory about several vulnerabilities is dropped when each of them is reported', async () => {
  const about = (id: string, upstream: readonly string[]) =>
    osv({ id, ecosystem: 'Debian:12', name: 'x', events: upTo('2-1'), upstream });
  await using database = await databaseOf({
    'a.json': [
      about('DEBIAN-CVE-2024-0001', ['CVE-2024-0001']),
      about('DEBIAN-CVE-2024-0002', ['CVE-2024-0002']),
      about('DSA-1-1', ['CVE-2024-0001', 'CVE-2024-0002']),
      about('DSA-2-1', ['CVE-2024-0002', 'CVE-2024-0003']),
      osv({
        id: 'DSA-3-1',
        ecosystem: 'Debian:12',
        name: 'x',
        events: upTo('2-1'),
        related: ['CVE-2024-0001', 'GHSA-x'],
      }),
    ],
  });
  const found = database.match([component('deb', 'x', '1-1')], distribution('debian', '12.4'));
  expect(idsOf(found)).toEqual(['CVE-2024-0001', 'CVE-2024-0002', 'DSA-2-1']);
  expect(found[0]).toMatchObject({ aliases: ['DEBIAN-CVE-2024-0001', 'DSA-1-1', 'DSA-3-1'] });
});

test('log4j: several branches, each with a fix of its own', async () => {
  const events = [
    ['2.13.0', '2.15.0'],
    ['2.4', '2.12.2'],
    ['2.0-beta9', '2.3.1'],
  ].flatMap(([introduced, fixed]) => [{ introduced }, { fixed }]);
  const name = 'org.apache.logging.log4j:log4j-core';
  await using database = await databaseOf({
    'a.json': [
      osv({ id: 'GHSA-jfh8-c2jp-5v3q', aliases: ['CVE-2021-44228'], ecosystem: 'Maven', name, events }),
    ],
  });
  const fixes = (version: string) =>
    vulnerabilities(database.match([component('maven', name, version)], undefined)).map(
      ({ fixedIn }) => fixedIn,
    );
  expect(fixes('2.14.1')).toEqual([['2.15.0']]);
  expect(fixes('2.15.0-rc1')).toEqual([['2.15.0']]);
  expect(fixes('2.0-rc1')).toEqual([['2.3.1', '2.12.2', '2.15.0']]);
  for (const version of ['2.15.0', '2.17.1', '2.12.2', '2.3.1', '2.0-beta8', '1.2.17'])
    expect(fixes(version)).toEqual([]);
});

test('names are compared by the rules of their ecosystem', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({ id: 'PYSEC-1', ecosystem: 'PyPI', name: 'Zope.Interface', events: upTo('9') }),
      osv({ id: 'GHSA-maven', ecosystem: 'Maven', name: 'Org.X:Lib', events: upTo('9') }),
      osv({
        id: 'GHSA-maven2',
        ecosystem: 'Maven:https://repo.example',
        name: 'org.x:lib',
        events: upTo('9'),
      }),
      osv({ id: 'GHSA-php', ecosystem: 'Packagist', name: 'Vendor/Name', events: upTo('9') }),
      osv({
        id: 'GO-1',
        ecosystem: 'Go',
        name: 'stdlib',
        events: [{ introduced: '1.20.0-0' }, { fixed: '1.20.3' }],
      }),
      osv({ id: 'BIT-node-2024-1', ecosystem: 'Bitnami', name: 'node', events: upTo('20.1.0') }),
    ],
  });
  const found = (...parts: Parameters<typeof component>) =>
    idsOf(database.match([component(...parts)], undefined));
  expect(found('pypi', 'zope_interface', '1')).toEqual(['PYSEC-1']);
  expect(found('maven', 'Org.X:Lib', '1')).toEqual(['GHSA-maven']);
  expect(found('maven', 'org.x:lib', '1')).toEqual(['GHSA-maven2']);
  expect(found('composer', 'vendor/NAME', 'v1')).toEqual(['GHSA-php']);
  expect(found('golang', 'std', 'go1.20.1')).toEqual(['GO-1']);
  expect(found('golang', 'stdlib', '1.19.9')).toEqual([]);
  expect(found('binary', 'nodejs', 'v20.0.0')).toEqual(['BIT-node-2024-1']);
  expect(found('npm', 'node', '1.0.0')).toEqual([]);
  expect(found('npm', '__proto__', '1.0.0')).toEqual([]);
});

test('a malicious package is reported as malware', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({ id: 'MAL-2024-7', name: 'evil', events: [{ introduced: '0' }], aliases: ['GHSA-evil'] }),
      osv({ id: 'GHSA-evil', name: 'evil', events: [{ introduced: '0' }], summary: 'Malware in evil' }),
      {
        ...osv({
          id: 'GHSA-taken-over',
          name: 'good',
          summary: 'Embedded malicious code',
          versions: ['3.7.2'],
        }),
        database_specific: { cwe_ids: ['CWE-506'], severity: 'CRITICAL' },
      },
      osv({
        id: 'MAL-2024-8',
        name: 'withdrawn',
        events: [{ introduced: '0' }],
        withdrawn: '2024-02-02T00:00:00Z',
      }),
    ],
  });
  const all = ['evil', 'good', 'withdrawn'].map((name) => component('npm', name, '3.7.2'));
  expect(database.match(all, undefined)).toMatchObject([
    {
      class: 'malware',
      id: 'MAL-2024-7',
      severity: 'critical',
      aliases: ['GHSA-evil'],
      component: { name: 'evil' },
    },
    {
      class: 'malware',
      id: 'GHSA-taken-over',
      title: 'Embedded malicious code',
      component: { name: 'good' },
    },
  ]);
  expect(database.match([component('npm', 'good', '3.7.1')], undefined)).toEqual([]);
});

test('a version that can’t be compared is reported as uncertain', async () => {
  await using database = await databaseOf({ 'a.json': [osv({ id: 'GHSA-1', events: upTo('2.0.0') })] });
  const [found] = vulnerabilities(database.match([component('npm', 'thing', 'github:a/b')], undefined));
  expect(found).toMatchObject({ id: 'GHSA-1', uncertain: true, fixedIn: ['2.0.0'] });
  const [certain] = vulnerabilities(database.match([component('npm', 'thing', '1.0.0')], undefined));
  expect(certain).not.toHaveProperty('uncertain');
});

test('a branch that Composer installed counts as affected, unless its number is above the fix', async () => {
  const events = [{ introduced: '3.0.0' }, { fixed: '3.1.5' }];
  await using database = await databaseOf({
    'a.json': [osv({ id: 'GHSA-1', ecosystem: 'Packagist', name: 'a/b', events })],
  });
  const found = (version: string) =>
    vulnerabilities(database.match([component('composer', 'a/b', version)], undefined));
  expect(found('dev-main')).toMatchObject([{ uncertain: true, fixedIn: ['3.1.5'] }]);
  expect(found('3.0.x-dev')).toMatchObject([{ fixedIn: ['3.1.5'] }]);
  for (const version of ['2.x-dev', '3.1.x-dev', '3.x-dev']) expect(found(version)).toEqual([]);
});

test('facts about a CVE are joined to all advisories that name or cover it', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({ id: 'GHSA-1', aliases: ['CVE-2024-1000'], events: upTo('2') }),
      osv({
        id: 'RHSA-2024:1',
        ecosystem: 'Rocky Linux:9',
        name: 'x',
        events: upTo('2-1.el9'),
        upstream: ['CVE-2024-1000', 'CVE-2024-1001'],
      }),
    ],
    'kev.json': [{ cveID: 'CVE-2024-1001', dateAdded: '2024-03-03' }],
    'epss.csv': '#model_version:v1\ncve,epss,percentile\nCVE-2024-1000,0.5,0.9\nCVE-2024-1001,0.25,0.8\n',
  });
  const [npm] = vulnerabilities(database.match([component('npm', 'thing', '1.0.0')], undefined));
  expect(npm).toMatchObject({ epss: 0.5, knownExploited: false });
  const [rocky] = vulnerabilities(
    database.match([component('rpm', 'x', '1-1.el9')], distribution('rocky', '9.4')),
  );
  expect(rocky).toMatchObject({ id: 'RHSA-2024:1', epss: 0.5, knownExploited: true });
});

test('streams of an rpm module are told apart', async () => {
  const fixed = (id: string, version: string, purl?: string) => ({
    id,
    modified: '2024-01-01T00:00:00Z',
    affected: [
      {
        package: { ecosystem: 'AlmaLinux:8', name: 'nodejs', purl },
        ranges: [{ type: 'ECOSYSTEM', events: upTo(version) }],
      },
    ],
  });
  await using database = await databaseOf({
    'a.json': [
      fixed(
        'ALSA-2024:1',
        '1:18.20.2-1.module_el8.9.0+3775+d8460d36',
        'pkg:rpm/almalinux/nodejs?rpmmod=nodejs%3A18',
      ),
      fixed('ALSA-2024:2', '1:99-1.el8'),
      fixed('ALSA-2024:3', '1:99-1.module_el8.9.0+1'),
    ],
  });
  const found = (version: string, module?: string) => {
    const purl = `pkg:rpm/almalinux/nodejs@${version}${module ? `?arch=x86_64&rpmmod=${module}:890:a1` : ''}`;
    const installed = component('rpm', 'nodejs', version, { purl });
    return idsOf(database.match([installed], distribution('almalinux', '8.9')));
  };
  expect(found('1:18.1.0-1.module_el8.9.0+1', 'nodejs:18')).toEqual(['ALSA-2024:1', 'ALSA-2024:3']);
  expect(found('1:16.1.0-1.module_el8.9.0+1', 'nodejs:16')).toEqual(['ALSA-2024:3']);
  expect(found('1:16.1.0-1.module_el8.9.0+1')).toEqual(['ALSA-2024:1', 'ALSA-2024:3']);
  expect(found('1:16.1.0-1.el8')).toEqual(['ALSA-2024:2']);
});

test('rpm advisories name built packages or source packages', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({ id: 'RLSA-2024:1', ecosystem: 'Rocky Linux:9', name: 'openssl', events: upTo('1:3.0.7-20.el9') }),
      osv({
        id: 'RLSA-2024:2',
        ecosystem: 'Rocky Linux:9',
        name: 'openssl-libs',
        events: upTo('1:3.0.7-20.el9'),
      }),
      osv({
        id: 'ALPINE-CVE-2024-9999',
        ecosystem: 'Alpine:v3.20',
        name: 'openssl',
        events: upTo('3.3.1-r1'),
      }),
    ],
  });
  const source = (version: string) => ({ source: { name: 'openssl', version } });
  const rpm = component('rpm', 'openssl-libs', '1:3.0.7-18.el9', source('1:3.0.7-18.el9'));
  expect(idsOf(database.match([rpm], distribution('rocky', '9')))).toEqual(['RLSA-2024:1', 'RLSA-2024:2']);
  const apk = component('apk', 'libssl3', '3.3.1-r0', source('3.3.1-r0'));
  expect(idsOf(database.match([apk], distribution('alpine', '3.20.3')))).toEqual(['CVE-2024-9999']);
});

test('titles and URLs of hostile records are cleaned', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({
        id: 'GHSA-1',
        events: upTo('2'),
        summary: 'bad\u001b[31m\n\u202etitle\u0007',
        references: [{ type: 'WEB', url: 'javascript:alert(1)' }],
      }),
    ],
  });
  const [found] = vulnerabilities(database.match([component('npm', 'thing', '1.0.0')], undefined));
  expect(found?.title).toBe('bad [31m title');
  expect(found?.url).toBe('https://osv.dev/vulnerability/GHSA-1');
});

test('a cached answer has the places of the component that asks', async () => {
  await using database = await databaseOf({ 'a.json': [osv({ id: 'GHSA-1', events: upTo('2') })] });
  const [first] = database.match([component('npm', 'thing', '1.0.0')], undefined);
  const [again] = database.match(
    [component('npm', 'thing', '1.0.0', { places: [{ path: 'b' }] })],
    undefined,
  );
  expect(again).toEqual({ ...first, places: [{ path: 'b' }] });
});

test('a package kept in an archive is reported for malware, not for vulnerabilities', async () => {
  await using database = await databaseOf({
    'a.json': [
      osv({ id: 'MAL-2024-7', name: 'evil', events: [{ introduced: '0' }] }),
      osv({ id: 'GHSA-1', name: 'faulty', events: [{ introduced: '0' }] }),
    ],
  });
  const asked = ['evil', 'faulty'].map((name) => component('npm', name, '1.0.0'));
  const kept = asked.map((each) => ({ ...each, kept: true as const }));
  expect(idsOf(database.match(kept, undefined))).toEqual(['MAL-2024-7']);
  expect(idsOf(database.match(asked, undefined))).toEqual(['GHSA-1', 'MAL-2024-7']);
});

test('a package with a guessed name is looked up under all its possible names', async () => {
  await using database = await databaseOf({
    'a.json': [osv({ id: 'GHSA-1', ecosystem: 'Maven', name: 'org.b:thing', events: upTo('1.5') })],
  });
  const guessed = component('maven', 'org.a:thing', '1.0');
  expect(idsOf(database.match([guessed], undefined))).toEqual([]);
  expect(idsOf(database.match([{ ...guessed, otherNames: ['org.b:thing'] }], undefined))).toEqual(['GHSA-1']);
});
