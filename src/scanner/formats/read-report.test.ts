import { expect, test } from 'vitest';
import { injection, judged, miner, report } from './formats.fixture.ts';
import { formatReport } from './formats.ts';
import { sortedReport } from './json.ts';
import { parseReport } from './read-report.ts';

const written = formatReport('json', judged);

test('reads a written report without its verdict', () => {
  expect(parseReport(Buffer.from(written), 'report.json')).toEqual(
    JSON.parse(JSON.stringify(sortedReport(report))),
  );
});

test('reads all fields of a report', () => {
  const { inventory, advisories } = report;
  const checkedAt = '2026-11-24T00:00:00Z';
  const whole = {
    ...report,
    inventory: {
      ...inventory,
      distribution: {
        id: 'a',
        versionId: '1',
        name: 'A',
        cpe: 'cpe:/o:a:a:1',
        endOfLife: '2028-06-09',
        withoutAdvisories: true,
      },
      components: inventory.components.map((each) => ({
        ...each,
        architecture: 'amd64',
        licences: ['MIT'],
        supplier: 'A <a@example.org>',
        hashes: [`sha1:${'a'.repeat(40)}`],
        dependsOn: ['pkg:npm/a@1'],
        needsMore: true,
      })),
    },
    findings: [
      { ...injection, uncertain: true, fixKnownSince: checkedAt },
      { ...miner, aliases: ['GHSA-x'] },
    ],
    advisories: { ...advisories, checkedAt },
  };
  expect(parseReport(Buffer.from(JSON.stringify(whole)), 'report.json')).toEqual(whole);
});

test.each([
  ['cut in half', written.slice(0, written.length / 2)],
  ['not UTF-8', Buffer.from([0x7b, 0xff])],
  ['of another form', written.replace('"form": 1', '"form": 2')],
  ['with an invalid severity', written.replace('"severity": "high"', '"severity": "awful"')],
  ['with an invalid digest', written.replace(/"layer": "sha256:[0-9a-f]+"/, '"layer": "sha256:1"')],
  ['deep', `${'['.repeat(100_000)}`],
  ['a list', '[]'],
])('refuses one that is %s', (_, text) => {
  expect(() => parseReport(Buffer.from(text), 'report.json')).toThrow(
    expect.objectContaining({ code: 'REPORT_INVALID' }),
  );
});

test('a `__proto__` in it is plain data', () => {
  const parsed = parseReport(
    Buffer.from(written.replace('"form": 1', '"form": 1, "__proto__": {"polluted": true}')),
    'report.json',
  );
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  expect('polluted' in parsed).toBe(false);
});
