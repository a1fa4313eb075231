import { expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import type { JudgedReport, Vulnerability } from '../../scanner/index.ts';
import { explainLines, findExplained } from './explain.ts';

const app = digestOf(Buffer.from('app'));
const vulnerability: Vulnerability = {
  class: 'vulnerability',
  id: 'CVE-2021-23337',
  aliases: ['GHSA-35jh-r3h4-6jhm'],
  title: 'Command injection',
  severity: 'high',
  severitySource: 'ghsa',
  cvss: { score: 7.2, vector: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' },
  component: { ecosystem: 'npm', name: 'lodash', version: '4.17.20', purl: 'pkg:npm/lodash@4.17.20' },
  fixedIn: ['4.17.21'],
  status: 'affected',
  knownExploited: true,
  places: [{ path: 'app/node_modules/lodash/package.json', layer: app }],
};
const other: Vulnerability = {
  ...vulnerability,
  id: 'CVE-2026-1',
  aliases: [],
  severity: 'low',
  fixedIn: [],
  status: 'will_not_fix',
};
const judged: JudgedReport = {
  report: {
    form: 1,
    target: { name: 'app:1', kind: 'image' },
    scannedAt: '2026-11-24T10:00:00Z',
    inventory: { components: [], layers: [{ diffId: app, createdBy: 'COPY . /app' }], gaps: [] },
    findings: [other, vulnerability],
    suppressed: [{ finding: { ...vulnerability, severity: 'medium' }, reason: 'vex: not_affected' }],
  },
  outcome: 'deny',
  reasons: [],
  breaking: new Set([vulnerability]),
  version: '1',
};

test.each(['CVE-2021-23337', 'ghsa-35jh-r3h4-6jhm'])(
  'finds %s by any of its names, harmless or not',
  (id) => {
    expect(findExplained(judged, id)).toMatchObject([
      { finding: { severity: 'high' }, breaksPolicy: true },
      { finding: { severity: 'medium' }, breaksPolicy: false, suppressed: 'vex: not_affected' },
    ]);
  },
);

test('does not match prefixes', () => {
  expect(findExplained(judged, 'CVE-2021-2333')).toEqual([]);
});

test('shows the rating with its source, the place with its layer, and what to do', () => {
  const text = explainLines(findExplained(judged, 'CVE-2021-23337').slice(0, 1), judged).join('\n');
  expect(text).toMatch(/severity +high, as ghsa says/);
  expect(text).toMatch(/cvss +7\.2 CVSS:3\.1/);
  expect(text).toMatch(/exploited +yes/);
  expect(text).toMatch(/found in +app\/node_modules\/lodash\/package\.json\nlayer +1 COPY \. \/app/);
  expect(text).toMatch(/to do +update lodash to 4\.17\.21\npolicy +breaks it/);
});

test('says when there is no fix', () => {
  const text = explainLines(findExplained(judged, 'CVE-2026-1'), judged).join('\n');
  expect(text).toMatch(/fixed +in no version \(will_not_fix\)/);
  expect(text).toMatch(/policy +does not break it/);
});
