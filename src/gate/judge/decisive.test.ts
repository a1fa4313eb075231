import { expect, test } from 'vitest';
import type { Report, Vulnerability } from '../../scanner/index.ts';
import { parsePolicy } from '../policy/policy.ts';
import { decisive } from './decisive.ts';
import { judge } from './judge.ts';

const now = Date.parse('2026-11-24T00:00:00Z');

function vulnerability(id: string, more: Partial<Vulnerability> = {}): Vulnerability {
  return {
    class: 'vulnerability',
    id,
    aliases: [],
    title: id,
    severity: 'high',
    severitySource: 'ghsa',
    component: { ecosystem: 'npm', name: 'a', version: '1.0.0', purl: 'pkg:npm/a@1.0.0' },
    fixedIn: ['2.0.0'],
    status: 'affected',
    knownExploited: false,
    places: [],
    ...more,
  };
}

function decided(findings: readonly Vulnerability[], yaml: string) {
  const policy = parsePolicy(yaml);
  const report: Report = {
    form: 1,
    target: { name: 'a', kind: 'image' },
    scannedAt: new Date(now).toISOString(),
    inventory: { components: [], layers: [], gaps: [] },
    findings,
    suppressed: [],
  };
  const subject = { stage: 'push', namespace: 'guest', kind: 'image', report, now } as const;
  return decisive(policy, report, judge(policy, subject));
}

test('only findings that a rule counts are denied, even among findings of one id', () => {
  const fixable = vulnerability('CVE-1');
  const unfixed = vulnerability('CVE-1', { fixedIn: [] });
  const low = vulnerability('CVE-1', { severity: 'low' });
  expect(decided([unfixed, low, fixable], 'form: 1').denied).toEqual(new Set([fixable]));
});

test('all findings count, however many there are', () => {
  const many = Array.from({ length: 500 }, (_, index) => vulnerability(`CVE-${index}`));
  expect(decided(many, 'form: 1').denied).toEqual(new Set(many));
});

test('findings of the ignore list are named with their entry', () => {
  const ignored = vulnerability('CVE-1');
  const other = vulnerability('CVE-2');
  const result = decided(
    [ignored, other],
    `form: 1
rules:
  ignore:
    - { id: CVE-1, reason: not reachable, expires: 2026-12-01, by: ada }
    - { id: CVE-2, reason: was not reachable, expires: 2026-11-01, by: ada }
`,
  );
  expect(result.denied).toEqual(new Set([other]));
  expect([...result.ignored]).toMatchObject([[ignored, { reason: 'not reachable', by: 'ada' }]]);
});
