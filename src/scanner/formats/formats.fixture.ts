/** A report with one of everything, and with the most hostile names and titles. */

import { digestOf } from '../../blobs/index.ts';
import type { Finding, Malware, Misconfiguration, Report, Secret, Vulnerability } from '../types.ts';
import type { JudgedReport } from './judged-report.ts';

export const baseLayer = digestOf(Buffer.from('base'));
export const appLayer = digestOf(Buffer.from('app'));

const lodash = {
  ecosystem: 'npm',
  name: 'lodash',
  version: '4.17.20',
  purl: 'pkg:npm/lodash@4.17.20',
} as const;
const openssl = {
  ecosystem: 'deb',
  name: 'libssl3t64',
  version: '3.5.1-1',
  purl: 'pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&distro=debian-13',
} as const;

export const injection: Vulnerability = {
  class: 'vulnerability',
  id: 'CVE-2021-23337',
  aliases: ['GHSA-35jh-r3h4-6jhm'],
  title: 'Command injection in lodash',
  severity: 'high',
  severitySource: 'ghsa',
  cvss: { score: 7.2, vector: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' },
  component: lodash,
  fixedIn: ['4.17.21'],
  status: 'affected',
  epss: 0.0124,
  knownExploited: true,
  published: '2021-05-06T16:05:51Z',
  url: 'https://osv.dev/vulnerability/GHSA-35jh-r3h4-6jhm',
  places: [{ path: 'app/node_modules/lodash/package.json', layer: appLayer }],
};

export const unfixed: Vulnerability = {
  class: 'vulnerability',
  id: 'CVE-2026-1000',
  aliases: [],
  title: 'openssl: a thing that nobody has rated',
  severity: 'unknown',
  severitySource: 'debian',
  component: openssl,
  fixedIn: [],
  status: 'fix_deferred',
  knownExploited: false,
  places: [{ path: 'var/lib/dpkg/status', layer: baseLayer }],
};

export const miner: Malware = {
  class: 'malware',
  id: 'ward:miner/stratum',
  title: 'Mines cryptocurrency',
  severity: 'critical',
  places: [{ path: 'usr/sbin/mysqld', layer: appLayer }],
};

export const token: Secret = {
  class: 'secret',
  id: 'ward:secret/github-token',
  title: 'Token of GitHub',
  severity: 'high',
  redacted: 'ghp_…(40)',
  line: 3,
  places: [{ path: 'app/.env', layer: appLayer }],
};

export const root: Misconfiguration = {
  class: 'misconfiguration',
  id: 'ward:config/root',
  title: 'Runs as root',
  severity: 'medium',
  advice: 'add USER with a number above 0',
  places: [],
};

/** Text that breaks careless writers of XML, URIs, Markdown and terminals. */
export const hostile: Vulnerability = {
  ...injection,
  id: 'X-]]>"&<\u0000',
  title: '</testcase>]]>\u001b[2J\u0008 [click](javascript:alert(1)) \ud800 {0}',
  severity: 'low',
  cvss: { score: 1, vector: 'CVSS:3.1/"><script>' },
  component: { ...lodash, name: 'a"b<c>\n&', purl: 'pkg:npm/a%22' },
  knownExploited: false,
  url: 'javascript:alert(1)',
  places: [{ path: 'a b/c:d?e#f%g/\u0001\ud800"<.json' }],
};

const findings: readonly Finding[] = [root, hostile, token, unfixed, injection, miner];

export const report: Report = {
  form: 1,
  target: { name: 'oci:./image:v1', kind: 'image', digest: digestOf(Buffer.from('manifest')) },
  scannedAt: '2026-11-24T10:11:12.345Z',
  inventory: {
    distribution: { id: 'debian', versionId: '13', name: 'Debian GNU/Linux 13 (trixie)' },
    components: [
      { ...openssl, source: { name: 'openssl', version: '3.5.1-1' }, places: unfixed.places },
      { ...lodash, places: injection.places },
    ],
    layers: [
      { diffId: baseLayer, createdBy: 'ward base' },
      { diffId: appLayer, createdBy: 'COPY . /app' },
    ],
    gaps: [{ path: 'app/broken.jar', reason: 'not a zip' }],
  },
  findings,
  suppressed: [
    {
      finding: { ...injection, id: 'CVE-2020-8203', aliases: [], severity: 'medium' },
      reason: 'vex: vulnerable_code_not_in_execute_path',
    },
  ],
  advisories: { revision: 'r1', updatedAt: '2026-11-24T00:00:00Z', count: 119_000 },
};

export const judged: JudgedReport = {
  report,
  outcome: 'deny',
  reasons: [
    { outcome: 'deny', rule: 'vulnerabilities', text: '1 high vulnerability, and none is allowed' },
    { outcome: 'warn', rule: 'advisories.stale', text: 'the advisories are 9 days old' },
  ],
  breaking: new Set<Finding>([injection, miner]),
  version: '1.2.3',
};

/** The same report in another order. */
export const shuffled: JudgedReport = {
  ...judged,
  report: {
    ...report,
    inventory: { ...report.inventory, components: report.inventory.components.toReversed() },
    findings: findings.toReversed(),
  },
};

export const clean: JudgedReport = {
  report: { ...report, inventory: { ...report.inventory, gaps: [] }, findings: [], suppressed: [] },
  outcome: 'allow',
  reasons: [],
  breaking: new Set(),
  version: '1.2.3',
};

/** Malware was found, but the search for vulnerabilities was not possible. */
export const unlooked: JudgedReport = {
  report: {
    ...report,
    inventory: { ...report.inventory, gaps: [] },
    findings: [miner],
    suppressed: [],
    advisories: undefined,
  },
  outcome: 'deny',
  reasons: [
    { outcome: 'deny', rule: 'malware', text: '1 piece of malware' },
    { outcome: 'deny', rule: 'advisories.missing', text: 'there are no advisories' },
  ],
  breaking: new Set<Finding>([miner]),
  version: '1.2.3',
};

/** The token and the unfixed vulnerability were there before, so only the others count. */
export const compared: JudgedReport = {
  ...judged,
  before: {
    name: 'oci:./base',
    unread: 0,
    hasOtherRules: false,
    findings: new Set<Finding>([token, unfixed]),
  },
};
