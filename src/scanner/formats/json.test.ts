import { expect, test } from 'vitest';
import { compared, judged, miner, report, shuffled, token, unfixed } from './formats.fixture.ts';
import { formatReport, reportFormats } from './formats.ts';

test.each(reportFormats)('%s: the order of the scan does not matter', (format) => {
  expect(formatReport(format, shuffled)).toBe(formatReport(format, judged));
  expect(formatReport(format, judged).endsWith('\n')).toBe(true);
});

test('JSON is the report, sorted, with its verdict', () => {
  const document = JSON.parse(formatReport('json', judged));
  const { verdict, ...rest } = document;
  expect(rest).toMatchObject({ form: 1, target: report.target, advisories: report.advisories });
  expect(document.findings[0]).toEqual(JSON.parse(JSON.stringify(miner)));
  expect(document.findings).toHaveLength(report.findings.length);
  expect(verdict).toMatchObject({ outcome: 'deny', reasons: judged.reasons });
  expect(verdict.breaking.map((index: number) => document.findings[index].id)).toEqual([
    miner.id,
    'CVE-2021-23337',
  ]);
  expect(document.inventory.components.map(({ name }: { name: string }) => name)).toEqual([
    'libssl3t64',
    'lodash',
  ]);
});

test('findings from before stay in the report, and are listed by index', () => {
  const { findings, verdict } = JSON.parse(formatReport('json', compared));
  expect(findings).toHaveLength(report.findings.length);
  expect(verdict.before).toMatchObject({ name: 'oci:./base', unread: 0 });
  const named = verdict.before.findings.map((index: number) => findings[index].id);
  expect(named.toSorted()).toEqual([unfixed.id, token.id].toSorted());
  expect(JSON.parse(formatReport('json', judged)).verdict).not.toHaveProperty('before');
});
