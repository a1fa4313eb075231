import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import type { Finding, JudgedReport, Secret, Vulnerability } from '../../scanner/index.ts';
import { scanTable } from './table.ts';

const base = digestOf(Buffer.from('base'));
const app = digestOf(Buffer.from('app'));
const vulnerability: Vulnerability = {
  class: 'vulnerability',
  id: 'CVE-2021-23337',
  aliases: [],
  title: 'Command injection',
  severity: 'high',
  severitySource: 'ghsa',
  component: { ecosystem: 'npm', name: 'lodash', version: '4.17.20', purl: 'pkg:npm/lodash@4.17.20' },
  fixedIn: ['4.17.21'],
  status: 'affected',
  knownExploited: false,
  places: [{ path: 'app/node_modules/lodash/package.json', layer: app }],
};
const headers = {
  ecosystem: 'deb',
  name: 'linux-libc-dev',
  version: '6.1',
  purl: 'pkg:deb/debian/linux-libc-dev@6.1',
} as const;
const many = Array.from(
  { length: 30 },
  (_, index): Vulnerability => ({
    ...vulnerability,
    id: `CVE-2026-${1000 + index}`,
    severity: index < 2 ? 'medium' : 'unknown',
    component: headers,
    fixedIn: [],
    status: 'fix_deferred',
    places: [{ path: 'var/lib/dpkg/status', layer: base }],
  }),
);
const secret: Secret = {
  class: 'secret',
  id: 'ward:secret/key',
  title: 'Private key',
  severity: 'high',
  redacted: '-----BEGIN…',
  line: 1,
  places: [{ path: 'root/\u001b[2Jid_rsa', layer: app }],
};

function judgedOf(findings: readonly Finding[], more: Partial<JudgedReport> = {}): JudgedReport {
  return {
    report: {
      form: 1,
      target: { name: 'app:1', kind: 'image' },
      scannedAt: '2026-11-24T10:00:00Z',
      inventory: {
        distribution: { id: 'debian', versionId: '13', name: 'Debian 13', endOfLife: '2028-08-09' },
        components: [],
        layers: [{ diffId: base }, { diffId: app, createdBy: `COPY ${'long '.repeat(20)}` }],
        gaps: [],
      },
      findings,
      suppressed: [{ finding: { ...vulnerability, id: 'CVE-1' }, reason: 'vex: not_affected' }],
    },
    outcome: 'warn',
    reasons: [],
    breaking: new Set(),
    version: '1',
    ...more,
  };
}

const plain = { width: undefined, colors: createColors(false), isWide: false };
const cells = (line: string) => line.trim().split(/ {2,}/);
const rowsWith = (lines: readonly string[], text: string) =>
  lines.filter((line) => line.includes(text)).map(cells);

test('a row has component, versions, severity, id, and the layer with the command that made it', () => {
  const lines = scanTable(judgedOf([vulnerability]), plain);
  expect(cells(lines.find((line) => line.startsWith('COMPONENT')) ?? '')).toEqual([
    ...['COMPONENT', 'INSTALLED', 'FIXED IN', 'SEVERITY', 'ID', 'LAYER'],
  ]);
  expect(rowsWith(lines, 'CVE-2021-23337')).toEqual([
    ['lodash', '4.17.20', '4.17.21', 'high', 'CVE-2021-23337', '2 COPY long long long long long…'],
  ]);
});

test('known exploitation and probability have a column when they exist', () => {
  const lines = scanTable(
    judgedOf([
      { ...vulnerability, knownExploited: true, epss: 0.0124 },
      ...many.slice(3, 4).map((each) => ({ ...each, epss: 0.0002 })),
    ]),
    plain,
  );
  expect(rowsWith(lines, 'CVE-2021-23337')[0]?.slice(4, 7)).toEqual(['CVE-2021-23337', 'KEV', '1.2 %']);
  expect(rowsWith(lines, 'CVE-2026-1003')[0]?.at(5)).toBe('<0.1 %');
});

test('a component with many findings shows the worst and counts the rest', () => {
  const lines = scanTable(judgedOf(many), plain);
  expect(lines.filter((line) => line.includes('CVE-2026-'))).toHaveLength(10);
  expect(lines.filter((line) => line.startsWith('linux-libc-dev'))).toHaveLength(1);
  expect(lines.join('\n')).toContain('20 more (20 unknown)');
  expect(
    scanTable(judgedOf(many), { ...plain, isWide: true }).filter((line) => line.includes('CVE-2026-')),
  ).toHaveLength(30);
});

test('all findings that break the policy are shown, and come first', () => {
  const breaking = new Set<Finding>(many.slice(5, 25));
  const lines = scanTable(judgedOf([vulnerability, ...many], { breaking, outcome: 'deny' }), plain);
  const shown = lines.filter((line) => line.includes('CVE-20'));
  for (const { id } of many.slice(5, 25)) expect(shown.some((line) => line.includes(id))).toBe(true);
  expect(shown[0]).toContain('linux-libc-dev');
  expect(shown.at(-1)).toContain('lodash');
});

test('other classes have their own sections, and text from the image cannot control the terminal', () => {
  const text = scanTable(judgedOf([secret]), plain).join('\n');
  expect(text).toContain('secrets (1)');
  expect(text).toContain('root/\\x1b[2Jid_rsa:1');
  expect(text).not.toContain('\u001b');
});

test('the verdict comes last, with each reason', () => {
  const reasons = [
    { outcome: 'deny', rule: 'vulnerabilities.limits.high', text: '1 high vulnerability' },
  ] as const;
  const lines = scanTable(judgedOf([vulnerability, secret], { outcome: 'deny', reasons }), plain);
  expect(lines.slice(-2)).toEqual([
    'denied: 1 vulnerability (1 high), 1 secret',
    '  deny  1 high vulnerability (vulnerabilities.limits.high)',
  ]);
});

test('says when nothing looked for vulnerabilities, and what was declared harmless', () => {
  const text = scanTable(judgedOf([]), plain).join('\n');
  expect(text).toContain('did not look for vulnerabilities');
  expect(text).toContain('1 finding declared harmless (-o wide lists it)');
  expect(scanTable(judgedOf([]), { ...plain, isWide: true }).join('\n')).toContain('vex: not_affected');
});

test('severities are coloured if colours are on, without moving a column', () => {
  const lines = scanTable(judgedOf([vulnerability]), { ...plain, colors: createColors(true) });
  const row = lines.find((line) => line.includes('CVE-2021-23337')) ?? '';
  expect(row).toContain('\u001b[31mhigh    \u001b[39m');
});

test('a table fits the terminal', () => {
  for (const line of scanTable(judgedOf([vulnerability, ...many]), { ...plain, width: 70 }).slice(6, -2))
    expect([...line].length).toBeLessThanOrEqual(70);
});

test('earlier findings have no row, and are counted before the verdict', () => {
  const before = {
    name: 'base.tar',
    unread: 0,
    hasOtherRules: false,
    findings: new Set<Finding>([vulnerability]),
  };
  const judged = judgedOf([vulnerability, secret], { before });
  const text = scanTable(judged, plain).join('\n');
  expect(text).not.toContain('CVE-2021-23337');
  expect(text).toMatch(
    /\n1 finding was in base\.tar before: 1 vulnerability \(1 high\)\n\nallowed, with warnings: 1 secret$/,
  );
  expect(scanTable(judged, { ...plain, isWide: true }).join('\n')).toMatch(
    /there before \(1\)\n.*\nhigh +CVE-2021-23337 +pkg:npm\/lodash@4\.17\.20\n/,
  );
  const nothing = judgedOf([], {
    before: { ...before, name: 'a\u001b', unread: 2, hasOtherRules: true, findings: new Set() },
  });
  expect(scanTable(nothing, plain).join('\n')).toContain(
    'a\\x1b has none of these findings\n2 parts of a\\x1b could not be read: its findings count as new\na\\x1b was scanned with other rules: what only the current ones find counts as new',
  );
});
