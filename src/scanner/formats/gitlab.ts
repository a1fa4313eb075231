/**
 * Writes GitLab's report of container scanning, schema 15.2.4. GitLab refuses a whole report for one invalid field, so
 * parts of advisories that do not fit are left out.
 */
import type { Finding, Severity } from '../types.ts';
import { fingerprintsOf, uuidOf } from './fingerprint.ts';
import { findingsBefore, type JudgedReport, notLookedFor } from './judged-report.ts';
import { componentOf, inOrder } from './order.ts';
import { adviceOf, cut, sentenceOf, subjectOf, textOr, webAddress } from './words.ts';

export function gitlabOf(judged: JudgedReport): object {
  const { report, version } = judged;
  const unlooked = notLookedFor(judged);
  const time = report.scannedAt.slice(0, 19);
  const program = { id: 'ward', name: 'Ward', version, vendor: { name: 'Ward' } };
  const findings = inOrder(report.findings);
  const fingerprints = fingerprintsOf(findings);
  const { distribution, gaps } = report.inventory;
  const place = {
    operating_system: distribution === undefined ? 'unknown' : `${distribution.id} ${distribution.versionId}`,
    image: textOr(report.target.name, 'unknown'),
  };
  return {
    version: '15.2.4',
    scan: {
      analyzer: program,
      scanner: program,
      type: 'container_scanning',
      start_time: time,
      end_time: time,
      status: unlooked.length === 0 ? 'success' : 'failure',
      messages: [
        ...unlooked.map(({ text }) => ({ level: 'fatal', value: `not judged: ${text}` })),
        ...beforeMessages(judged),
        ...gaps.map(({ path, reason }) => ({ level: 'warn', value: `${path} could not be read: ${reason}` })),
      ],
    },
    vulnerabilities: findings.map((finding) => ({
      id: uuidOf(fingerprints.get(finding) ?? ''),
      ...vulnerabilityOf(finding),
      location: { dependency: dependencyOf(finding), ...place },
    })),
  };
}

/** Older findings stay in the report, because GitLab takes missing ones as fixed. */
function beforeMessages(judged: JudgedReport): readonly object[] {
  if (judged.before === undefined) return [];
  const value = `not counted, since ${judged.before.name} has them too: ${findingsBefore(judged).length} findings`;
  return [{ level: 'info', value }];
}

function vulnerabilityOf(finding: Finding): object {
  const url = finding.class === 'vulnerability' ? webAddress(finding.url) : undefined;
  const vectors = vectorsOf(finding);
  return {
    name: cut(textOr(finding.title, finding.id), 255),
    description: cut(sentenceOf(finding), 100_000),
    severity: severityNames[finding.severity],
    solution: cut(capital(adviceOf(finding)), 7000),
    identifiers: identifiersOf(finding),
    ...(vectors.length === 0 ? {} : { cvss_vectors: vectors }),
    links: url === undefined ? [] : [{ url }],
  };
}

/** A finding without a package is listed under its path. */
function dependencyOf(finding: Finding): object {
  const component = componentOf(finding);
  if (component === undefined) return { package: { name: subjectOf(finding) }, version: '' };
  return { package: { name: component.name }, version: component.version };
}

function identifiersOf(finding: Finding): object[] {
  const aliases = finding.class === 'vulnerability' ? finding.aliases : [];
  return [...new Set([finding.id, ...aliases])].slice(0, 20).map((id) => {
    const [, prefix = ''] = /^(CVE|GHSA|RHSA|USN|ELSA|MAL)-/.exec(id) ?? [];
    return {
      type: prefix === '' ? 'ward' : prefix.toLowerCase(),
      name: id,
      value: id,
      ...(prefix === 'CVE' ? { url: `https://www.cve.org/CVERecord?id=${encodeURIComponent(id)}` } : {}),
    };
  });
}

/** Base metrics in standard order. The standards allow more, but only this certainly passes the schema. */
const baseVectors = [
  /^CVSS:3\.[01]\/AV:[NALP]\/AC:[LH]\/PR:[NLH]\/UI:[NR]\/S:[UC]\/C:[NLH]\/I:[NLH]\/A:[NLH]$/,
  /^CVSS:4\.0\/AV:[NALP]\/AC:[LH]\/AT:[NP]\/PR:[NLH]\/UI:[NPA]\/VC:[HLN]\/VI:[HLN]\/VA:[HLN]\/SC:[HLN]\/SI:[HLN]\/SA:[HLN]$/,
];

function vectorsOf(finding: Finding): object[] {
  if (finding.class !== 'vulnerability' || finding.cvss === undefined) return [];
  const { vector } = finding.cvss;
  return baseVectors.some((pattern) => pattern.test(vector)) ? [{ vendor: 'unknown', vector }] : [];
}

const severityNames: Readonly<Record<Severity, string>> = {
  unknown: 'Unknown',
  none: 'Info',
  low: 'Low',
  medium: 'Medium',
  high: 'High',
  critical: 'Critical',
};

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
