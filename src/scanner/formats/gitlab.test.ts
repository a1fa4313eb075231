import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  clean,
  compared,
  hostile,
  injection,
  judged,
  miner,
  root,
  shuffled,
  token,
  unfixed,
  unlooked,
} from './formats.fixture.ts';
import { formatReport } from './formats.ts';

/** Requirements of GitLab's schema 15.2.4 for the used fields. */
const time = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/);
const filled = z.string().min(1);
const program = z.strictObject({
  id: filled,
  name: filled,
  version: filled,
  vendor: z.strictObject({ name: filled }),
});
const link = z.string().regex(/^(https?|ftp):\/\/.+/);
const schema = z.strictObject({
  version: z.string().regex(/^15\.\d+\.\d+$/),
  scan: z.strictObject({
    analyzer: program,
    scanner: program,
    type: z.literal('container_scanning'),
    start_time: time,
    end_time: time,
    status: z.enum(['success', 'failure']),
    messages: z.array(z.strictObject({ level: z.enum(['info', 'warn', 'fatal']), value: filled })),
  }),
  vulnerabilities: z.array(
    z.strictObject({
      id: z.uuid(),
      name: z.string().max(255),
      description: z.string().max(1_048_576),
      severity: z.enum(['Info', 'Unknown', 'Low', 'Medium', 'High', 'Critical']),
      solution: z.string().max(7000),
      identifiers: z
        .array(z.strictObject({ type: filled, name: filled, value: filled, url: link.optional() }))
        .min(1),
      cvss_vectors: z
        .array(z.strictObject({ vendor: filled, vector: z.string().min(32).max(128) }))
        .min(1)
        .max(10)
        .optional(),
      links: z.array(z.strictObject({ url: link })),
      location: z.strictObject({
        dependency: z.strictObject({ package: z.strictObject({ name: z.string() }), version: z.string() }),
        operating_system: filled,
        image: filled,
      }),
    }),
  ),
});

const reportOf = (what: typeof judged) => schema.parse(JSON.parse(formatReport('gitlab', what)));
const report = reportOf(judged);
const of = (id: string) => report.vulnerabilities.find(({ identifiers }) => identifiers[0]?.value === id);

test('a vulnerability with its package, aliases, score and solution', () => {
  expect(of(injection.id)).toMatchObject({
    severity: 'High',
    solution: 'Update lodash to 4.17.21.',
    identifiers: [
      { type: 'cve', value: injection.id },
      { type: 'ghsa', value: 'GHSA-35jh-r3h4-6jhm' },
    ],
    cvss_vectors: [{ vector: injection.cvss?.vector }],
    location: {
      dependency: { package: { name: 'lodash' }, version: '4.17.20' },
      operating_system: 'debian 13',
      image: 'oci:./image:v1',
    },
  });
  expect(of(unfixed.id)?.severity).toBe('Unknown');
});

test('a finding without a package is listed under its path', () => {
  expect(of(miner.id)?.location.dependency.package.name).toBe('usr/sbin/mysqld');
  expect(of(token.id)?.location.dependency.package.name).toBe('app/.env:3');
  expect(of(root.id)?.location.dependency.package.name).toBe('the configuration');
});

test('values that would make GitLab refuse the report are left out', () => {
  expect(of(hostile.id)).toMatchObject({ links: [] });
  expect(of(hostile.id)).not.toHaveProperty('cvss_vectors');
  const long = { ...injection, title: '\u{1f600}'.repeat(1000) };
  const cut = reportOf({ ...judged, report: { ...judged.report, findings: [long] } }).vulnerabilities[0];
  expect(cut?.name).toHaveLength(255);
  expect(cut?.name.isWellFormed()).toBe(true);
});

test('harmless findings are left out, unreadable parts are messages', () => {
  expect(report.vulnerabilities).toHaveLength(judged.report.findings.length);
  expect(report.scan.messages).toEqual([
    { level: 'warn', value: 'app/broken.jar could not be read: not a zip' },
  ]);
  expect(reportOf(clean)).toMatchObject({ vulnerabilities: [], scan: { messages: [] } });
});

test('a scan without a search for vulnerabilities has failed, and says why', () => {
  expect(reportOf(unlooked).scan).toMatchObject({
    status: 'failure',
    messages: [{ level: 'fatal', value: 'not judged: there are no advisories' }],
  });
  expect(reportOf(judged).scan.status).toBe('success');
});

test('ids do not depend on the order', () => {
  expect(reportOf(shuffled).vulnerabilities).toEqual(report.vulnerabilities);
});

test('findings from before stay, since GitLab takes missing ones as fixed', () => {
  const { vulnerabilities, scan } = reportOf(compared);
  expect(vulnerabilities).toEqual(report.vulnerabilities);
  expect(scan.messages).toContainEqual({
    level: 'info',
    value: 'not counted, since oci:./base has them too: 2 findings',
  });
});
