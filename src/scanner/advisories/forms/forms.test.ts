import { expect, test } from 'vitest';
import {
  component,
  databaseOf,
  distribution,
  idsOf,
  osv,
  vulnerabilities,
  workplace,
} from '../advisories.fixture.ts';
import { detectForm, shapeOf } from './detect.ts';

const tracker = {
  openssl: {
    'CVE-2024-0001': {
      releases: { trixie: { status: 'resolved', fixed_version: '3.0.2-1', urgency: 'high' } },
    },
    'CVE-2024-0002': { releases: { trixie: { status: 'resolved', fixed_version: '0', urgency: 'low' } } },
    'CVE-2024-0003': {
      description: 'A word about it',
      releases: {
        trixie: { status: 'open', urgency: 'not yet assigned' },
        bookworm: { status: 'resolved', fixed_version: '0' },
      },
    },
    'CVE-2024-0004': {
      releases: { trixie: { status: 'open', urgency: 'low**', nodsa: 'Minor issue', nodsa_reason: '' } },
    },
    'CVE-2024-0005': {
      releases: { trixie: { status: 'open', urgency: 'medium', nodsa: 'x', nodsa_reason: 'postponed' } },
    },
    'CVE-2024-0006': {
      releases: { trixie: { status: 'open', urgency: 'unimportant', nodsa: 'x', nodsa_reason: 'ignored' } },
    },
    'CVE-2024-0007': { releases: { trixie: { status: 'open', urgency: 'end-of-life' } } },
    'CVE-2024-0008': { releases: { trixie: { status: 'undetermined', urgency: 'low' } } },
    'CVE-2024-0009': { releases: { sid: { status: 'open', urgency: 'low' } } },
    'TEMP-0000000-ABCDEF': { releases: { trixie: { status: 'open', urgency: 'low' } } },
    nonsense: 7,
  },
  zlib: { 'CVE-2024-0001': { releases: { trixie: { status: 'open', urgency: 'low' } } } },
};

test('Debian’s tracker: every status, by release', async () => {
  await using database = await databaseOf({ 'tracker.json': JSON.stringify(tracker) });
  const found = (release: string) =>
    vulnerabilities(
      database.match([component('deb', 'openssl', '3.0.1-1')], distribution('debian', release)),
    ).map(({ id, severity, status, fixedIn }) => [id, severity, status, ...fixedIn]);
  expect(found('13')).toEqual([
    ['CVE-2024-0001', 'high', 'fixed', '3.0.2-1'],
    ['CVE-2024-0003', 'unknown', 'affected'],
    ['CVE-2024-0004', 'low', 'affected'],
    ['CVE-2024-0005', 'medium', 'fix_deferred'],
    ['CVE-2024-0006', 'low', 'will_not_fix'],
    ['CVE-2024-0007', 'unknown', 'end_of_life'],
    ['TEMP-0000000-ABCDEF', 'low', 'affected'],
  ]);
  expect(found('12')).toEqual([]);
  expect(found('')).toEqual([['CVE-2024-0009', 'low', 'affected']]);
});

test('Debian’s tracker in one document is split into packages, and invalid ones are named', async () => {
  await using place = await workplace();
  await place.put('tracker.json', JSON.stringify(tracker, null, 2));
  const { sources } = await place.importAll('tracker.json');
  expect(sources).toMatchObject([
    {
      form: 'debian-tracker',
      records: 11,
      bad: 1,
      badRecords: [{ place: 'openssl nonsense', reason: 'it has no releases, or its id is invalid' }],
    },
  ]);
});

test('never affected, as a distribution says, cancels its older record', async () => {
  await using database = await databaseOf({
    'old.json': [
      osv({
        id: 'DEBIAN-CVE-2024-0002',
        ecosystem: 'Debian:13',
        name: 'openssl',
        events: [{ introduced: '0' }],
      }),
      osv({
        id: 'DEBIAN-CVE-2024-0002',
        ecosystem: 'Debian:11',
        name: 'openssl',
        events: [{ introduced: '0' }],
      }),
    ],
    'tracker.json': JSON.stringify(tracker),
  });
  const openssl = [component('deb', 'openssl', '3.0.3-1')];
  expect(idsOf(database.match(openssl, distribution('debian', '13')))).not.toContain('CVE-2024-0002');
  expect(idsOf(database.match(openssl, distribution('debian', '11')))).toEqual(['CVE-2024-0002']);
});

test('Alpine’s secdb: fixed versions, several ids in one line, and never affected', async () => {
  const branch = {
    distroversion: 'v3.20',
    reponame: 'main',
    packages: [
      {
        pkg: {
          name: 'xen',
          secfixes: {
            '4.18.2-r1': ['CVE-2024-0001 XSA-458', 'CVE-2024-0002 (AFS/RX)', 'XSA-207'],
            '0': ['CVE-2024-0003'],
            '4.18.0-r0': [],
          },
        },
      },
      { pkg: { secfixes: {} } },
    ],
  };
  await using place = await workplace();
  await place.put('v3.20/main.json', JSON.stringify(branch));
  const { sources } = await place.importAll('v3.20');
  expect(sources).toMatchObject([{ source: 'v3.20/main.json', form: 'alpine-secdb', records: 4, bad: 2 }]);
  await using database = await databaseOf({ 'main.json': JSON.stringify(branch) });
  const found = (version: string, release = '3.20.1') =>
    idsOf(database.match([component('apk', 'xen', version)], distribution('alpine', release)));
  expect(found('4.18.2-r0')).toEqual(['ALPINE-XSA-207', 'CVE-2024-0001', 'CVE-2024-0002']);
  expect(found('4.18.2-r1')).toEqual([]);
  expect(found('4.18.2-r0', '3.19.1')).toEqual([]);
});

test.each([
  ['CVE-2017-17434-2', 'CVE-2017-17434'],
  ['CVE-2017-8073.patch', 'CVE-2017-8073'],
  ['CVE_2019-2426', 'CVE-2019-2426'],
  ['CVE 2018-16859', 'CVE-2018-16859'],
  ['cve-2020-1234: (also CVE-2020-99999)', 'CVE-2020-1234 CVE-2020-99999'],
  ['CVE-2022-40023 GHSA-v973-fxgf-6xhp', 'CVE-2022-40023'],
  ['CVE-????-?????  XSA-284', 'ALPINE-XSA-284'],
  ['GHSA-v973-fxgf-6xhp (2.0)', 'GHSA-v973-fxgf-6xhp'],
  ['wnpa-sec-2017-19', 'ALPINE-wnpa-sec-2017-19'],
  ['GNUTLS-SA-2020-09-04', 'ALPINE-GNUTLS-SA-2020-09-04'],
  ['CVE-2020-12-x', ''],
  ['fixed in a-1', ''],
])('ids in an entry of Alpine’s secdb are read whole: %s', async (entry, ids) => {
  const branch = {
    distroversion: 'v3.20',
    packages: [{ pkg: { name: 'xen', secfixes: { '2-r0': [entry], '1-r1': ['CVE-2020-7777'] } } }],
  };
  await using database = await databaseOf({ 'main.json': JSON.stringify(branch) });
  const found = database.match([component('apk', 'xen', '1-r0')], distribution('alpine', '3.20.1'));
  expect(idsOf(found).filter((id) => id !== 'CVE-2020-7777')).toEqual(ids === '' ? [] : ids.split(' '));
});

test('Node.js itself', async () => {
  await using database = await databaseOf({
    'core.json': JSON.stringify({
      42: {
        cve: ['CVE-2024-0042'],
        vulnerable: '20.x || 22.x',
        patched: '^20.15.1 || ^22.4.1',
        overview: 'It  goes\nwrong',
        severity: 'medium',
        ref: 'https://nodejs.org/x',
      },
    }),
  });
  expect(database.match([component('binary', 'node', 'v22.4.0')], undefined)).toMatchObject([
    {
      id: 'CVE-2024-0042',
      aliases: ['NODE-CORE-42'],
      title: 'It goes wrong',
      severity: 'medium',
      severitySource: 'nodejs',
      fixedIn: ['22.4.1'],
    },
  ]);
  expect(database.match([component('binary', 'node', 'v22.4.1')], undefined)).toEqual([]);
});

test('the Ruby advisory database', async () => {
  await using database = await databaseOf({
    'ruby.ndjson': [
      {
        gem: 'rack',
        cve: '2024-0001',
        ghsa: 'aaaa-bbbb-cccc',
        title: 'Bad rack',
        date: '2024-02-03',
        cvss_v3: 9.8,
        patched_versions: ['~> 2.0.9', '>= 2.1.4'],
        unaffected_versions: ['< 1.0'],
      },
      { gem: undefined, library: 'rexml', title: 'no gem' },
    ],
  });
  const found = (version: string) => database.match([component('gem', 'rack', version)], undefined);
  expect(found('2.0.8')).toMatchObject([
    {
      id: 'CVE-2024-0001',
      aliases: ['GHSA-aaaa-bbbb-cccc'],
      severity: 'critical',
      fixedIn: ['2.0.9', '2.1.4'],
      published: '2024-02-03T00:00:00.000Z',
    },
  ]);
  for (const version of ['2.0.9', '2.1.4', '0.9']) expect(found(version)).toEqual([]);
});

const npmOsv = osv({ id: 'GHSA-1', aliases: ['CVE-2024-0001'], events: [{ introduced: '0' }] });

test('KEV as CISA publishes it: one document, or a table', async () => {
  const kev = {
    title: 'x',
    catalogVersion: '1',
    count: 1,
    vulnerabilities: [{ cveID: 'CVE-2024-0001', dateAdded: '2024-01-01' }],
  };
  const table = '"cveID","vendorProject","dateAdded"\n"CVE-2024-0001","A, ""b""","2024-01-01","x"\n';
  for (const content of [JSON.stringify(kev), JSON.stringify(kev, null, 1), table]) {
    await using database = await databaseOf({ 'osv.json': [npmOsv], kev: content });
    const [found] = vulnerabilities(database.match([component('npm', 'thing', '1.0.0')], undefined));
    expect(found?.knownExploited).toBe(true);
  }
});

test('NVD’s feeds', async () => {
  const vector = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
  const metrics = {
    cvssMetricV31: [{ source: 'nvd@nist.gov', type: 'Primary', cvssData: { vectorString: vector } }],
  };
  const feed = {
    resultsPerPage: 2,
    format: 'NVD_CVE',
    vulnerabilities: [
      { cve: { id: 'CVE-2024-0001', published: '2024-02-03T04:05:06.007', metrics } },
      { cve: { id: 'CVE-2024-0002', metrics: {} } },
    ],
  };
  await using database = await databaseOf({ 'osv.json': [npmOsv], 'nvd.json': JSON.stringify(feed) });
  const [found] = vulnerabilities(database.match([component('npm', 'thing', '1.0.0')], undefined));
  expect(found).toMatchObject({
    severity: 'critical',
    severitySource: 'nvd',
    cvss: { score: 9.8, vector },
    published: '2024-02-03T04:05:06.007Z',
  });
});

test('the end of a release', async () => {
  await using database = await databaseOf({
    'all.json': JSON.stringify({
      'alpine-linux': [{ releaseCycle: '3.20', eol: '2026-04-01' }],
      rhel: [{ releaseCycle: '9', eol: '2032-05-31' }],
    }),
    'debian.json': JSON.stringify([
      { cycle: '13', eol: '2028-08-09' },
      { cycle: '14', eol: false },
    ]),
  });
  const ends = (id: string, versionId: string) => database.endOfLife(distribution(id, versionId));
  expect(ends('debian', '13')).toBe('2028-08-09');
  expect(ends('debian', '14')).toBeUndefined();
  expect(ends('alpine', '3.20.3')).toBe('2026-04-01');
  expect(ends('rhel', '9.4')).toBe('2032-05-31');
  expect(ends('alpine', '3.2')).toBeUndefined();
  expect(ends('nobody', '1')).toBeUndefined();
});

test.each([
  ['osv', '{"schema_version":"1.6.0","id":"A-1"}\n{"id":"A-2"}\n', { kind: 'lines', isJson: true }],
  ['osv', '{\n  "id": "A-1",\n  "modified": "x"\n}\n', { kind: 'parts', depth: 0 }],
  ['osv', '[{"id":"A-1","affected":[]}]', { kind: 'parts', depth: 1 }],
  ['osv', '{"vulns":[{"id":"A-1","affected":[]}]}', { kind: 'parts', depth: 2 }],
  ['epss', 'cve,epss,percentile\n', { kind: 'lines', isJson: false }],
])('%s: %s', (form, text, shape) => {
  expect(detectForm(text, false)).toBe(form);
  expect(shapeOf('osv' === form ? 'osv' : 'epss', text, false)).toEqual(shape);
});

test('an unknown file has no form', () => {
  for (const text of ['', 'hello', '{"a":1}', '[1,2]', '<html>', '\u0000\u0001']) {
    expect(detectForm(text, false)).toBeUndefined();
  }
});
