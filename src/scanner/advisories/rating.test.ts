import { expect, test } from 'vitest';
import { component, databaseOf, distribution, osv, upTo, vulnerabilities } from './advisories.fixture.ts';
import { scoreOf } from './cvss.ts';
import { chooseRating, severityOfWord } from './rating.ts';

const v4 = 'CVSS:4.0/AV:N/AC:L/AT:N/PR:H/UI:N/VC:H/VI:H/VA:L/SC:L/SI:L/SA:L';
const v31 = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
const v2 = 'AV:N/AC:L/Au:N/C:P/I:P/A:P';

test.each([
  [v4, 8.6, 'high'],
  [v31, 9.8, 'critical'],
  ['CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N', 0, 'none'],
  [v2, 7.5, 'high'],
  ['AV:N/AC:L/Au:N/C:C/I:C/A:C', 10, 'high'],
])('%s scores %f: %s', (vector, score, severity) => {
  expect(scoreOf(vector)).toEqual({ score, vector, severity });
});

test.each([
  '',
  'CVSS:3.1/',
  'CVSS:3.1/AV:X/garbage',
  'CVSS:9.9/AV:N/AC:L/PR:N',
  'CVSS:3.1/AV:N/AV:N/AV:N',
  '7.5',
])('%j is not a vector', (vector) => {
  expect(scoreOf(vector)).toBeUndefined();
});

test('severities from words', () => {
  const words = ['HIGH', 'Moderate', 'important', 'low**', 'unimportant', 'not yet assigned', 7];
  expect(words.map(severityOfWord)).toEqual(['high', 'medium', 'high', 'low', 'low', 'unknown', 'unknown']);
});

test('the severity is unknown without ratings', () => {
  expect(chooseRating([{ source: 'x', severity: 'unknown' }])).toBeUndefined();
});

test('a distribution’s word comes first, then GitHub’s, then CVSS of the newest version', async () => {
  const severity = (type: string, score: string) => [{ type, score }];
  const debian = (id: string, urgency?: string) => ({
    id,
    modified: '2024-01-01T00:00:00Z',
    affected: [
      {
        package: { ecosystem: 'Debian:13', name: id.slice(-4) },
        ranges: [{ type: 'ECOSYSTEM', events: upTo('2') }],
        ecosystem_specific: urgency === undefined ? undefined : { urgency },
      },
    ],
  });
  await using database = await databaseOf({
    'a.json': [
      osv({
        id: 'GHSA-1',
        name: 'a',
        events: upTo('2'),
        aliases: ['CVE-2024-0001'],
        severity: severity('CVSS_V3', v31),
        database_specific: { severity: 'LOW' },
      }),
      osv({
        id: 'PYSEC-1',
        ecosystem: 'PyPI',
        name: 'a',
        events: upTo('2'),
        severity: [...severity('CVSS_V2', v2), ...severity('CVSS_V4', v4), ...severity('CVSS_V3', v31)],
      }),
      debian('DEBIAN-CVE-2024-0001', 'unimportant'),
      debian('DEBIAN-CVE-2024-0002'),
      debian('DEBIAN-CVE-2024-0003'),
      debian('DEBIAN-CVE-2024-0004', 'not yet assigned'),
      osv({
        id: 'GHSA-2',
        name: 'b',
        aliases: ['CVE-2024-0002'],
        events: upTo('2'),
        database_specific: { severity: 'MODERATE' },
      }),
      {
        ...osv({ id: 'RUSTSEC-1' }),
        affected: [
          {
            package: { ecosystem: 'crates.io', name: 'old' },
            ranges: [{ type: 'SEMVER', events: [{ introduced: '0.0.0-0' }] }],
            database_specific: { informational: 'unmaintained' },
          },
        ],
      },
    ],
    'cve.json': [{ cve: 'CVE-2024-0003', cvss: [{ source: 'adp:CISA', vector: v31 }] }],
  });
  const rated = (...parts: Parameters<typeof component>) => {
    const [found] = vulnerabilities(database.match([component(...parts)], distribution('debian', '13')));
    return [found?.severity, found?.severitySource, found?.cvss?.score];
  };
  expect(rated('npm', 'a', '1.0.0')).toEqual(['low', 'ghsa', 9.8]);
  expect(rated('pypi', 'a', '1')).toEqual(['high', 'pypa', 8.6]);
  expect(rated('deb', '0001', '1')).toEqual(['low', 'debian', 9.8]);
  expect(rated('deb', '0002', '1')).toEqual(['medium', 'ghsa', undefined]);
  expect(rated('deb', '0003', '1')).toEqual(['critical', 'cisa', 9.8]);
  expect(rated('deb', '0004', '1')).toEqual(['unknown', 'none', undefined]);
  expect(rated('cargo', 'old', '1.0.0')).toEqual(['none', 'rustsec', undefined]);
});
